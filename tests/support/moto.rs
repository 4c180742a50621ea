//! SSM Parameter Store, Secrets Manager and KMS on loopback: moto's server, which `make test` installs.

use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use super::PATIENCE;
use super::http::Http;

/// The queue for events.
const QUEUE: &str = "events";

/// A running server; it ends when this is dropped.
pub(crate) struct Moto {
    _server: Child,
    recording: std::path::PathBuf,
    http: Http,
    pub(crate) url: String,
}

/// The path of a tool that `make test` installs.
pub(crate) fn tool(name: &str) -> std::path::PathBuf {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin").join(name);
    assert!(path.exists(), "{} is not there: run `make test`", path.display());
    path
}

/// A port that is free now, and that nobody is given who asks for any port: those are above 32767.
pub(crate) fn free_port() -> u16 {
    let free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    std::iter::repeat_with(|| fastrand::u16(20_000..30_000)).take(1_000).find(free).expect("a free port")
}

impl Moto {
    /// Starts a server of its own for one test.
    pub(crate) async fn start() -> Self {
        let port = free_port();
        let server = Command::new(tool("moto_server"))
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .env("MOTO_RECORDER_FILEPATH", Self::recording(port))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let moto = Self {
            _server: server,
            recording: Self::recording(port),
            http: Http::new(),
            url: format!("http://127.0.0.1:{port}"),
        };
        let up = async {
            let page = format!("{}/moto-api/", moto.url);
            while moto.http.call((Method::GET, &page), &[], String::new()).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, up).await.expect("moto starts");
        moto.load_services().await;
        moto.post("/moto-api/recorder/start-recording", &[], String::new()).await;
        moto
    }

    /// moto loads a service at its first call, which can take longer than a real AWS may: nobody but this waits for it.
    async fn load_services(&self) {
        self.call("ssm", "AmazonSSM.DescribeParameters", &json!({})).await;
        self.call("secretsmanager", "secretsmanager.ListSecrets", &json!({})).await;
        self.call("kms", "TrentService.ListKeys", &json!({})).await;
        for (service, query) in
            [("cloudformation", "Action=ListStacks&Version=2010-05-15"), ("iam", "Action=ListUsers&Version=2010-05-08")]
        {
            self.query(service, query.to_owned()).await;
        }
    }

    /// Where the calls are recorded.
    fn recording(port: u16) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("environment-gate-moto-{port}"))
    }

    /// Variables with which it is found.
    pub(crate) fn variables(&self) -> [(&'static str, &str); 4] {
        [
            ("AWS_ENDPOINT_URL", &self.url),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ]
    }

    /// Puts a parameter, or a new version of it.
    pub(crate) async fn put_parameter(&self, name: &str, kind: &str, value: &str) {
        let body = json!({ "Name": name, "Value": value, "Type": kind, "Overwrite": true });
        self.call("ssm", "AmazonSSM.PutParameter", &body).await;
    }

    /// Creates a secret.
    pub(crate) async fn create_secret(&self, name: &str, value: &str) {
        self.call(
            "secretsmanager",
            "secretsmanager.CreateSecret",
            &json!({ "Name": name, "SecretString": value, "ClientRequestToken": token() }),
        )
        .await;
    }

    /// Makes a new version of a secret the current one.
    pub(crate) async fn put_secret(&self, name: &str, value: &str) {
        let body = json!({ "SecretId": name, "SecretString": value, "ClientRequestToken": token() });
        self.call("secretsmanager", "secretsmanager.PutSecretValue", &body).await;
    }

    /// Makes a KMS key. Returns its id and, if it has one, its public half (X.509, DER).
    pub(crate) async fn create_signing_key(&self, spec: &str, usage: &str) -> (String, Vec<u8>) {
        let body = json!({ "KeySpec": spec, "KeyUsage": usage });
        let made = self.call("kms", "TrentService.CreateKey", &body).await;
        let id = made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
        let shown = self.call("kms", "TrentService.GetPublicKey", &json!({ "KeyId": id })).await;
        (id, STANDARD.decode(shown["PublicKey"].as_str().unwrap()).unwrap())
    }

    /// A parameter's value, decrypted; `None` where there is none.
    pub(crate) async fn parameter(&self, name: &str) -> Option<String> {
        let body = json!({ "Names": [name], "WithDecryption": true });
        let answer = self.call("ssm", "AmazonSSM.GetParameters", &body).await;
        answer["Parameters"][0]["Value"].as_str().map(ToOwned::to_owned)
    }

    /// Deploys a stack that is nothing but one output.
    pub(crate) async fn create_stack(&self, name: &str, output: &str, value: &str) {
        let template = json!({
            "Resources": { "Topic": { "Type": "AWS::SNS::Topic" } },
            "Outputs": { output: { "Value": value } },
        });
        let template = template.to_string();
        let template = percent_encoding::utf8_percent_encode(&template, percent_encoding::NON_ALPHANUMERIC);
        let body = format!("Action=CreateStack&Version=2010-05-15&StackName={name}&TemplateBody={template}");
        self.query("cloudformation", body).await;
    }

    /// Creates a bus, and a queue for the events that match a pattern.
    pub(crate) async fn route_events(&self, bus: &str, pattern: &str) {
        self.call("sqs", "AmazonSQS.CreateQueue", &json!({ "QueueName": QUEUE })).await;
        self.call("events", "AWSEvents.CreateEventBus", &json!({ "Name": bus })).await;
        let rule = json!({ "Name": "to-the-queue", "EventBusName": bus, "EventPattern": pattern });
        self.call("events", "AWSEvents.PutRule", &rule).await;
        let arn = format!("arn:aws:sqs:eu-central-1:123456789012:{QUEUE}");
        let targets = json!({ "Rule": "to-the-queue", "EventBusName": bus, "Targets": [{ "Id": "1", "Arn": arn }] });
        self.call("events", "AWSEvents.PutTargets", &targets).await;
    }

    /// The events that came to the queue so far.
    pub(crate) async fn routed_events(&self) -> Vec<Value> {
        let queue = format!("{}/123456789012/{QUEUE}", self.url);
        let body = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10 });
        let answer = self.call("sqs", "AmazonSQS.ReceiveMessage", &body).await;
        let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
        messages.iter().map(|message| serde_json::from_str(message["Body"].as_str().unwrap()).unwrap()).collect()
    }

    /// Deletes a secret for good.
    pub(crate) async fn delete_secret(&self, name: &str) {
        let body = json!({ "SecretId": name, "ForceDeleteWithoutRecovery": true });
        self.call("secretsmanager", "secretsmanager.DeleteSecret", &body).await;
    }

    /// From now on nobody has leave to do anything.
    pub(crate) async fn refuse_from_now_on(&self) {
        self.post("/moto-api/reset-auth", &[], "0".to_owned()).await;
    }

    /// Calls a service that takes forms.
    async fn query(&self, service: &str, body: String) {
        let authorization = authorization(service);
        let headers = [("authorization", &*authorization), ("content-type", "application/x-www-form-urlencoded")];
        self.post("/", &headers, body).await;
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: String) -> String {
        let url = format!("{}{path}", self.url);
        let (status, text) = self.http.call((Method::POST, &url), headers, body).await.unwrap();
        assert!(status.is_success(), "{url} {headers:?}: {text}");
        text
    }

    async fn call(&self, service: &str, target: &str, body: &Value) -> Value {
        let headers = [
            ("x-amz-target", target),
            ("authorization", &*authorization(service)),
            ("content-type", "application/x-amz-json-1.1"),
        ];
        serde_json::from_str(&self.post("", &headers, body.to_string()).await).unwrap_or_default()
    }

    /// The actions that were called so far: `AmazonSSM.GetParameters`.
    pub(crate) async fn actions(&self) -> Vec<String> {
        let url = format!("{}/moto-api/recorder/download-recording", self.url);
        let (_, recorded) = self.http.call((Method::GET, &url), &[], String::new()).await.unwrap();
        let lines = recorded.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines
            .filter_map(|line| {
                let headers = line["headers"].as_object()?.clone();
                let target = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-amz-target"))?;
                target.1.as_str().map(ToOwned::to_owned)
            })
            .collect()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.recording);
    }
}

/// moto asks for a signature and does not look at it.
fn authorization(service: &str) -> String {
    let scope = format!("AKIAIOSFODNN7EXAMPLE/20260105/eu-central-1/{service}/aws4_request");
    format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0")
}

/// Secrets Manager wants 32 to 64 characters.
fn token() -> String {
    format!("{:032x}", fastrand::u128(..))
}
