//! `cargo bench`: what a start and a decision cost, measured on the built function under a Lambda Runtime API, with a GitHub and an AWS on
//! loopback that take a set time for each call. `FUNCTION` names the build (`make bench` makes it); `OTHER` another one, which is measured in
//! turn with it and shown beside it, with ratios. With `WITH_POLICIES` set, the first has three policies in Rego and the other none. Without `OTHER`
//! the tables go into docs/performance.md.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on fails; it has a clock of its own"
)]

mod aws;
mod core;
mod page;
mod policies;
#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../tests/support/mod.rs"]
mod support;
mod world;

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use world::{Handshakes, Program, Setup, Told, World};

/// What a call takes where the network is measured.
const CALL: Duration = Duration::from_millis(50);
const COLD_STARTS: usize = 25;
/// Starts where no call takes time, without a delivery and with one: they are short, and a single one says little.
const STARTS: usize = 101;
const WARM_DECISIONS: usize = 40;
/// Decisions over which CPU time is measured, after as many that warm up, and how often.
const CPU_DECISIONS: u64 = 600;
const CPU_ROUNDS: usize = 15;
/// Says that this program is to be the bootstrap that does nothing.
const DO_NOTHING: &str = "DO_NOTHING";

/// What is measured of one program.
#[derive(Default)]
struct Measured {
    ready: Vec<Duration>,
    cold_at_once: Vec<Duration>,
    cold_free: Vec<Duration>,
    cold_charged: Vec<Duration>,
    warm: Vec<Duration>,
    calls: u64,
    cpu_of_two: Vec<Duration>,
    cpu: [Vec<Duration>; 3],
    peak_kb: u64,
    bytes: u64,
    zipped: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if std::env::var_os(DO_NOTHING).is_some() {
        return do_nothing();
    }
    let Some(ours) = std::env::var_os("FUNCTION").map(PathBuf::from) else {
        println!("`FUNCTION` names the build that is to be measured: `make bench` makes one");
        std::process::exit(2);
    };
    let other = std::env::var_os("OTHER").map(PathBuf::from);
    let with_policies = std::env::var_os("WITH_POLICIES").is_some();
    let has_other = other.is_some();
    let others = other.map(|path| Program { path, with_policies: false });
    let programs: Vec<Program> = [Program { path: ours, with_policies }].into_iter().chain(others).collect();
    let idle = Program { path: std::env::current_exe().unwrap(), with_policies: false };
    let mut measured: Vec<Measured> = programs.iter().map(|program| sizes(&program.path)).collect();
    let mut nothing = Vec::new();
    let at_once =
        World::new(Setup { call: Duration::ZERO, handshakes: Handshakes::Free, aws: true, told: Told::Usual }).await;
    let free = World::new(Setup { call: CALL, handshakes: Handshakes::Free, aws: true, told: Told::Usual }).await;
    let charged =
        World::new(Setup { call: CALL, handshakes: Handshakes::TwoCalls, aws: true, told: Told::Usual }).await;
    for _ in 0..STARTS {
        nothing.push(at_once.start(&idle, &[(DO_NOTHING, "1")]).await.ready().await);
        for (program, measured) in programs.iter().zip(&mut measured) {
            measured.ready.push(at_once.start(program, &[]).await.ready().await);
            measured.cold_at_once.push(at_once.cold(program).await);
        }
    }
    for _ in 0..COLD_STARTS {
        for (program, measured) in programs.iter().zip(&mut measured) {
            measured.cold_free.push(free.cold(program).await);
            measured.cold_charged.push(charged.cold(program).await);
        }
    }
    let local = World::new(Setup { call: CALL, handshakes: Handshakes::None, aws: false, told: Told::Usual }).await;
    for (program, measured) in programs.iter().zip(&mut measured) {
        (measured.warm, measured.calls) = local.warm(program, WARM_DECISIONS).await;
    }
    let busy = |told| World::new(Setup { call: Duration::ZERO, handshakes: Handshakes::None, aws: false, told });
    let world = busy(Told::Usual).await;
    for _ in 0..CPU_ROUNDS {
        for (program, measured) in programs.iter().zip(&mut measured) {
            measured.cpu_of_two.push(world.cpu(program, CPU_DECISIONS).await.0);
        }
    }
    stay_on_one_processor();
    for (what, told) in [Told::Usual, Told::PullRequest, Told::WithoutLinks].into_iter().enumerate() {
        let world = busy(told).await;
        for _ in 0..CPU_ROUNDS {
            for (program, measured) in programs.iter().zip(&mut measured) {
                let (cpu, peak_kb) = world.cpu(program, CPU_DECISIONS).await;
                measured.cpu[what].push(cpu);
                measured.peak_kb = measured.peak_kb.max(peak_kb);
            }
        }
    }
    let tables = format!("{}\n{}", table(&measured, median(&nothing)), core::measure());
    if has_other {
        println!("{tables}");
    } else {
        page::write("bench", &tables);
    }
}

/// Keeps this process, and what it starts from now on, on one processor. On two each message also wakes the other one, and what the kernel charges the
/// sender for that follows the machine more than the program.
fn stay_on_one_processor() {
    let own = std::process::id().to_string();
    let options = ["--all-tasks", "--cpu-list", "--pid", "0", &own];
    let done = Command::new("taskset").args(options).stdout(Stdio::null()).status();
    assert!(done.unwrap().success(), "taskset keeps a process on a processor");
}

/// Asks for the first event and waits for it: the least that a function can do.
fn do_nothing() {
    let address = std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap();
    let mut stream = std::net::TcpStream::connect(&address).unwrap();
    write!(stream, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: {address}\r\n\r\n").unwrap();
    let _ = stream.read(&mut [0; 1024]);
}

fn sizes(program: &Path) -> Measured {
    let zip = std::env::temp_dir().join(format!("environment-gate-{:016x}.zip", fastrand::u64(..)));
    let code = "import sys, zipfile; zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED, compresslevel=9).write(sys.argv[2], 'bootstrap')";
    let done = Command::new("python3").args(["-c", code]).arg(&zip).arg(program).status().unwrap();
    assert!(done.success(), "python3 makes a zip file");
    let bytes = |path: &Path| std::fs::metadata(path).unwrap().len();
    let measured = Measured { bytes: bytes(program), zipped: bytes(&zip), ..Measured::default() };
    std::fs::remove_file(&zip).unwrap();
    measured
}

/// What is measured, how it is told, and with how many digits.
type Row<'a> = (&'a str, Box<dyn Fn(&Measured) -> f64 + 'a>, usize);

fn table(measured: &[Measured], nothing: Duration) -> String {
    let call = CALL.as_secs_f64();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let over = |times: &[Duration], calls: f64| ms(median(times)) - calls * call * 1e3;
    let rows: Vec<Row<'_>> = vec![
        (
            "ready for the first event, TLS to AWS, over a bootstrap that does nothing, ms",
            Box::new(|m| ms(median(&m.ready)) - ms(nothing)),
            1,
        ),
        ("cold, process start to answer, handshakes free, ms", Box::new(|m| ms(median(&m.cold_free))), 1),
        ("the same over 4 calls, ms", Box::new(move |m| over(&m.cold_free, 4.0)), 1),
        ("cold where no call takes time, ms", Box::new(|m| ms(median(&m.cold_at_once))), 1),
        ("cold, handshakes charged at two calls, HTTP/2, ms", Box::new(|m| ms(median(&m.cold_charged))), 1),
        ("the same over 6 calls, ms", Box::new(move |m| over(&m.cold_charged, 6.0)), 1),
        ("warm decision, median, ms", Box::new(|m| ms(median(&m.warm))), 1),
        ("warm decision, 95th percentile, ms", Box::new(|m| ms(percentile(&m.warm, 95))), 1),
        ("round trips one after the other, warm", Box::new(move |m| median(&m.warm).as_secs_f64() / call), 2),
        ("requests to GitHub for a warm decision", Box::new(|m| number(m.calls)), 0),
        ("CPU of a warm decision, function and GitHub on one processor, ms", Box::new(|m| ms(median(&m.cpu[0]))), 3),
        ("the same with a pull request in the delivery, ms", Box::new(|m| ms(median(&m.cpu[1]))), 3),
        ("the same without the links in what GitHub says, ms", Box::new(|m| ms(median(&m.cpu[2]))), 3),
        (
            "CPU of a warm decision, function and GitHub on two processors, ms",
            Box::new(|m| ms(median(&m.cpu_of_two))),
            3,
        ),
        ("peak resident memory, MB", Box::new(|m| number(m.peak_kb) / 1e3), 1),
        ("stripped, MB", Box::new(|m| number(m.bytes) / 1e6), 2),
        ("zipped, MB", Box::new(|m| number(m.zipped) / 1e6), 2),
    ];
    let beside = |text: &str| if measured.len() > 1 { text.to_owned() } else { String::new() };
    let mut lines = vec![
        format!(
            "| {} ms a call, medians of {STARTS} starts and {COLD_STARTS} cold ones | this build |{}",
            CALL.as_millis(),
            beside(" other | ratio |")
        ),
        format!("|---|---|{}", beside("---|---|")),
        format!("| a bootstrap that does nothing is ready after, ms | {:.1} |{}", ms(nothing), beside(" | |")),
    ];
    for (name, value, digits) in rows {
        let values: Vec<f64> = measured.iter().map(value).collect();
        let beside = values.get(1).map(|other| format!(" {other:.digits$} | {:.2} |", other / values[0]));
        lines.push(format!("| {name} | {:.digits$} |{}", values[0], beside.unwrap_or_default()));
    }
    lines.join("\n") + "\n"
}

fn number<N: TryInto<u32, Error: std::fmt::Debug>>(number: N) -> f64 {
    f64::from(number.try_into().unwrap())
}

fn median(times: &[Duration]) -> Duration {
    percentile(times, 50)
}

fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}
