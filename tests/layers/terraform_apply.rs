//! The module as the real Terraform takes it, with AWS's own provider, applied to moto. No package registry has either, so a plain `make test` leaves this out;
//! `make terraform` runs it where `terraform` is on the path, and can download the provider or has a mirror of it.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::moto::Moto;

const MODULE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/terraform");

/// A configuration that calls the module, in a folder of its own.
struct Root {
    folder: PathBuf,
}

impl Root {
    fn new(values: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("environment-gate-{:016x}", fastrand::u64(..)));
        std::fs::create_dir_all(&folder).unwrap();
        // A module at an absolute path would be copied, without the rest of the repository.
        let up = "../".repeat(folder.canonicalize().unwrap().components().count() - 1);
        let root = Self { folder };
        root.call(&format!("{up}{}", MODULE.trim_start_matches('/')), values);
        // What Lambda would run is not looked at.
        std::fs::write(root.folder.join("code.zip"), "PK").unwrap();
        root
    }

    /// One that calls a copy of the module without its saved queries: moto does not know them, and Terraform would try for a long time.
    fn without_queries(values: &str) -> Self {
        let root = Self::new(values);
        let copy = root.folder.join("gate");
        std::fs::create_dir(&copy).unwrap();
        for file in std::fs::read_dir(MODULE).unwrap().map(|file| file.unwrap().path()) {
            if file.extension().is_some_and(|kind| kind == "tf") && !file.ends_with("queries.tf") {
                std::fs::copy(&file, copy.join(file.file_name().unwrap())).unwrap();
            }
        }
        root.call("./gate", values);
        root
    }

    fn call(&self, source: &str, values: &str) {
        let provider =
            "provider \"aws\" {\n  skip_credentials_validation = true\n  skip_metadata_api_check = true\n}\n";
        let module = format!(
            "module \"gate\" {{\n  source = \"{source}\"\n{values}}}\noutput \"gate\" {{\n  value = module.gate\n}}\n"
        );
        std::fs::write(self.folder.join("main.tf"), format!("{provider}{module}")).unwrap();
    }

    fn terraform(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
        let mut command = Command::new("terraform");
        command.current_dir(&self.folder).args(arguments).envs(variables.iter().copied());
        command.output().unwrap_or_else(|error| panic!("terraform: {error}"))
    }

    /// The same, which must succeed.
    fn done(&self, variables: &[(&str, &str)], arguments: &[&str]) -> String {
        let output = self.terraform(variables, arguments);
        let (text, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "terraform {arguments:?}: {text}{error}");
        text.into_owned()
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

const VALUES: &str = r#"
  package                  = { path = "code.zip" }
  app_id_parameter         = "/gate/app-id"
  webhook_secret_parameter = "/gate/webhook-secret"
  policy_parameter         = "/gate/policy"
  private_key_secret       = "gate/private-key"
  policies_path            = "/gate/policies/"
  parameters_key_arn       = "arn:aws:kms:us-east-1:123456789012:key/1"
  access_logs              = "on"
  tracing                  = "on"
  alarm_topic_arn          = "arn:aws:sns:us-east-1:123456789012:on-call"
  event_bus_name           = "releases"
  log_key_arn              = "arn:aws:kms:us-east-1:123456789012:key/2"
"#;

#[test]
#[ignore = "needs Terraform and AWS's provider: `make terraform`"]
fn terraform_finds_the_module_formatted_and_valid() {
    let root = Root::new(VALUES);
    root.done(&[], &["fmt", "-check", "-diff", "-recursive", MODULE]);
    root.done(&[], &["init", "-input=false"]);
    root.done(&[], &["validate"]);
}

#[test]
#[ignore = "needs Terraform and AWS's provider: `make terraform`"]
fn terraform_refuses_a_value_that_the_template_refuses() {
    let root = Root::new(&VALUES.replace("\"/gate/app-id\"", "\"gate/app-id\""));
    root.done(&[], &["init", "-input=false"]);
    let output = root.terraform(&[("AWS_REGION", "us-east-1")], &["plan", "-input=false", "-no-color"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && error.contains("It must be the name of an SSM parameter that begins with a"),
        "{error}"
    );
}

#[tokio::test]
#[ignore = "needs Terraform and AWS's provider: `make terraform`"]
async fn what_terraform_deployed_it_finds_as_it_deployed_it() {
    let moto = Moto::start().await;
    let root = Root::without_queries(VALUES);
    let aws = moto.variables();
    root.done(&aws, &["init", "-input=false"]);
    root.done(&aws, &["apply", "-input=false", "-auto-approve"]);
    let outputs: Value = serde_json::from_str(&root.done(&aws, &["output", "-json"])).unwrap();
    assert!(outputs["gate"]["value"]["webhook_url"].as_str().unwrap().ends_with("/github/webhook"), "{outputs}");
    root.done(&aws, &["plan", "-input=false", "-out=again"]);
    let again: Value = serde_json::from_str(&root.done(&aws, &["show", "-json", "again"])).unwrap();
    let changes = again["resource_changes"].as_array().unwrap().iter();
    let changed: Vec<&str> = changes
        .filter(|change| change["change"]["actions"] != serde_json::json!(["no-op"]))
        .map(|change| change["address"].as_str().unwrap())
        .collect();
    // moto does not remember the group that a function logs to.
    assert_eq!(changed, ["module.gate.aws_lambda_function.function"], "{again}");
    root.done(&aws, &["destroy", "-auto-approve"]);
}
