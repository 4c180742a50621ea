//! The script with which `action/check` downloads `gate`, with the real curl, unzip and sha256sum, from a server on loopback.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::support::PATIENCE;
use crate::support::moto::{free_port, tool};

/// A GitHub with one release, whose zip has a `gate` that says so. It serves as long as this lives.
struct Release {
    folder: PathBuf,
    server: std::process::Child,
    port: u16,
}

impl Release {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("environment-gate-{:016x}", fastrand::u64(..)));
        let files = folder.join("octo-org/environment-gate/releases/download/v1.2.3");
        std::fs::create_dir_all(&files).unwrap();
        std::fs::write(folder.join("gate"), "#!/bin/sh\necho 'gate of the release'\n").unwrap();
        let zip = Command::new(tool("python"))
            .args(["-m", "zipfile", "-c"])
            .arg(files.join(name))
            .arg("gate")
            .current_dir(&folder)
            .status();
        assert!(zip.unwrap().success());
        let port = free_port();
        let server = Command::new(tool("python"))
            .args(["-m", "http.server", "--bind", "127.0.0.1", "--directory"])
            .arg(&folder)
            .arg(port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < PATIENCE, "the server does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { folder, server, port }
    }

    fn sha256(&self, name: &str) -> String {
        let file = self.folder.join("octo-org/environment-gate/releases/download/v1.2.3").join(name);
        let output = Command::new("sha256sum").arg(file).output().unwrap();
        String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
    }

    /// The script, as it runs on a runner for this architecture.
    fn download(&self, version: &str, sha256: &str, architecture: &str) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("action/check/download.sh");
        Command::new("bash")
            .arg(script)
            .env("VERSION", version)
            .env("SHA256", sha256)
            .env("REPOSITORY", "octo-org/environment-gate")
            .env("GITHUB_SERVER_URL", format!("http://127.0.0.1:{}", self.port))
            .env("RUNNER_OS", "Linux")
            .env("RUNNER_ARCH", architecture)
            .env("RUNNER_TEMP", &self.folder)
            .env("GITHUB_OUTPUT", self.folder.join("output"))
            .output()
            .unwrap()
    }

    /// The path that the step hands on.
    fn gate(&self) -> Option<String> {
        let output = std::fs::read_to_string(self.folder.join("output")).ok()?;
        Some(output.trim_end().strip_prefix("gate=")?.to_owned())
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[track_caller]
fn refused(release: &Release, output: &Output, problem: &str) {
    let log = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(log.lines().any(|line| line.starts_with("::error::") && line.contains(problem)), "{log}");
    assert_eq!(release.gate(), None);
}

#[test]
fn a_release_with_the_right_checksum_is_unpacked() {
    for (architecture, name) in [("X64", "gate-1.2.3-x86_64.zip"), ("ARM64", "gate-1.2.3-arm64.zip")] {
        let release = Release::new(name);
        let output = release.download("1.2.3", &release.sha256(name), architecture);
        assert!(output.status.success(), "{output:?}");
        let gate = Command::new(release.gate().unwrap()).output().unwrap();
        assert_eq!(gate.stdout, b"gate of the release\n");
    }
}

#[test]
fn a_release_with_another_checksum_is_not_unpacked() {
    let release = Release::new("gate-1.2.3-x86_64.zip");
    let output = release.download("1.2.3", &"0".repeat(64), "X64");
    refused(
        &release,
        &output,
        &format!("got the SHA-256 {}, expected 000000", release.sha256("gate-1.2.3-x86_64.zip")),
    );
}

#[test]
fn a_release_that_does_not_exist_is_an_error_with_what_to_do() {
    let release = Release::new("gate-1.2.3-x86_64.zip");
    refused(
        &release,
        &release.download("1.2.4", &"0".repeat(64), "X64"),
        "gate-1.2.4-x86_64.zip of release 1.2.4 could not be downloaded",
    );
}

#[test]
fn what_is_not_a_version_a_checksum_or_a_known_runner_is_refused_before_anything_is_downloaded() {
    let release = Release::new("gate-1.2.3-x86_64.zip");
    let sha256 = "0".repeat(64);
    refused(&release, &release.download("", "", "X64"), "version: got something else");
    refused(&release, &release.download("1.2.3/../../x", &sha256, "X64"), "version: got something else");
    refused(&release, &release.download("1.2.3", "", "X64"), "sha256: got something else");
    refused(&release, &release.download("1.2.3", &sha256, "RISCV"), "got a runner of Linux and RISCV");
}
