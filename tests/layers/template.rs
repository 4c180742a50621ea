//! The SAM template, by what it becomes: translated as AWS translates it, validated, built, and run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use environment_gate::github::PERMISSIONS;
use serde_json::{Value, json};

use crate::support::function::{self, Files};
use crate::support::github::Staged;
use crate::support::moto::tool;
use crate::support::{documents, fixtures};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PARAMETERS: [&str; 3] =
    ["AppIdParameter=/gate/app-id", "WebhookSecretParameter=/gate/webhook-secret", "PolicyParameter=/gate/policy"];
const SECRET: &str = "PrivateKeySecret=gate/private-key";

pub(crate) fn run(program: &str, arguments: &[&str]) -> Output {
    let path = std::env::var("PATH").unwrap_or_default();
    Command::new(tool(program))
        .args(arguments)
        .current_dir(ROOT)
        .env("SAM_CLI_TELEMETRY", "0")
        .env("PATH", format!("{}:{path}", tool("").display()))
        .output()
        .unwrap()
}

/// What a stack with these values would have, and the key in a secret.
fn stack(more: &[&str]) -> Value {
    stack_without_key(&[&[SECRET], more].concat())
}

/// What a stack with these values would have.
fn stack_without_key(more: &[&str]) -> Value {
    let output = run("python", &[&["tests/layers/template.py"], &PARAMETERS[..], more].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refused(more: &[&str]) -> String {
    let output = run("python", &[&["tests/layers/template.py"], &PARAMETERS[..], more].concat());
    assert!(!output.status.success(), "{more:?} is taken");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn statements(stack: &Value) -> &Vec<Value> {
    let roles = stack["roles"].as_object().unwrap();
    assert_eq!(roles.len(), 1, "one role");
    let role = roles.values().next().unwrap();
    assert_eq!(role["managed_policies"], json!([]));
    let own_account = json!({ "StringEquals": { "aws:SourceAccount": "123456789012" } });
    assert_eq!(role["trust"][0]["Principal"], json!({ "Service": "lambda.amazonaws.com" }));
    assert_eq!(role["trust"][0]["Condition"], own_account, "the functions of another account");
    assert_eq!(role["trust"].as_array().unwrap().len(), 1);
    assert_eq!(stack["other_iam"], json!({}));
    role["statements"].as_array().unwrap()
}

/// Action by resource: `(action, resource)`, and the condition where there is one.
fn allowed(stack: &Value) -> BTreeSet<String> {
    let mut allowed = BTreeSet::new();
    for statement in statements(stack) {
        assert_eq!(statement["Effect"], "Allow");
        for action in statement["Action"].as_array().unwrap() {
            for resource in statement["Resource"].as_array().unwrap() {
                let condition =
                    statement.get("Condition").map(|condition| format!(" if {condition}")).unwrap_or_default();
                allowed.insert(format!("{} on {}{condition}", action.as_str().unwrap(), resource.as_str().unwrap()));
            }
        }
    }
    allowed
}

const BASE: [&str; 6] = [
    "logs:CreateLogStream on arn:aws:logs:us-east-1:123456789012:log-group:<FunctionLogGroup>:*",
    "logs:PutLogEvents on arn:aws:logs:us-east-1:123456789012:log-group:<FunctionLogGroup>:*",
    "secretsmanager:GetSecretValue on arn:aws:secretsmanager:us-east-1:123456789012:secret:gate/private-key-??????",
    "ssm:GetParameters on arn:aws:ssm:us-east-1:123456789012:parameter/gate/app-id",
    "ssm:GetParameters on arn:aws:ssm:us-east-1:123456789012:parameter/gate/policy",
    "ssm:GetParameters on arn:aws:ssm:us-east-1:123456789012:parameter/gate/webhook-secret",
];

fn set(base: &[&str], more: &[&str]) -> BTreeSet<String> {
    base.iter().chain(more).map(|text| (*text).to_owned()).collect()
}

#[test]
fn the_role_allows_what_the_function_does_and_no_more() {
    assert_eq!(allowed(&stack(&[])), set(&BASE, &[]));
}

#[test]
fn keys_and_traces_are_allowed_only_when_they_are_asked_for() {
    let key = |id: &str| format!("arn:aws:kms:us-east-1:123456789012:key/{id}");
    let (parameters, secret) = (format!("ParametersKeyArn={}", key("1")), format!("SecretKeyArn={}", key("2")));
    let all = stack(&[&parameters, &secret, "Tracing=on"]);
    let ssm = format!(
        "kms:Decrypt on {} if {}",
        key("1"),
        json!({ "StringEquals": { "kms:ViaService": "ssm.us-east-1.amazonaws.com" } })
    );
    let manager = format!(
        "kms:Decrypt on {} if {}",
        key("2"),
        json!({ "StringEquals": { "kms:ViaService": "secretsmanager.us-east-1.amazonaws.com" } })
    );
    assert_eq!(
        allowed(&all),
        set(&BASE, &[&ssm, &manager, "xray:PutTraceSegments on *", "xray:PutTelemetryRecords on *"])
    );
}

#[test]
fn logs_are_encrypted_with_the_key_that_is_given() {
    let keys = |more: &[&str]| -> Vec<Value> {
        let stack = stack(&[&["AccessLogs=on"], more].concat());
        stack["log_groups"].as_object().unwrap().values().map(|group| group["KmsKeyId"].clone()).collect()
    };
    let key = "arn:aws:kms:us-east-1:123456789012:key/1";
    assert_eq!(keys(&[]), [Value::Null, Value::Null], "AWS's own key");
    assert_eq!(keys(&[&format!("LogKeyArn={key}")]), [json!(key), json!(key)]);
}

#[test]
fn a_key_may_not_be_named_by_an_alias() {
    let refused = refused(&["LogKeyArn=arn:aws:kms:us-east-1:123456789012:alias/logs"]);
    assert!(refused.contains("LogKeyArn"), "{refused}");
}

#[test]
fn events_are_allowed_on_the_one_bus_that_is_named() {
    let own = "arn:aws:events:us-east-1:123456789012:event-bus/releases";
    let others = "arn:aws:events:us-east-1:210987654321:event-bus/audit/releases";
    for (given, bus) in [("releases", own), (others, others)] {
        let condition = json!({ "StringEquals": { "events:source": "environment-gate" } });
        let statement = format!("events:PutEvents on {bus} if {condition}");
        assert_eq!(allowed(&stack(&[&format!("EventBusName={given}")])), set(&BASE, &[&statement]));
    }
}

#[test]
fn what_is_not_a_bus_is_refused() {
    for bus in ["a bus", "*", "arn:aws:events:us-east-1:123456789012:rule/x", "arn:aws:sns:us-east-1:123456789012:x"] {
        let why = refused(&[&format!("EventBusName={bus}")]);
        assert!(why.contains("EventBusName"), "{why}");
    }
}

#[test]
fn a_secret_may_be_named_by_its_arn() {
    let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:other/key-a1B2c3";
    let stack = stack(&[&format!("PrivateKeySecret={arn}")]);
    assert!(allowed(&stack).contains(&format!("secretsmanager:GetSecretValue on {arn}")));
    let without_its_end = refused(&["PrivateKeySecret=arn:aws:secretsmanager:us-east-1:123456789012:secret:other/key"]);
    assert!(without_its_end.contains("PrivateKeySecret"), "{without_its_end}");
}

const KMS_KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

#[test]
fn with_a_kms_key_the_role_may_sign_github_tokens_with_it_and_read_no_secret() {
    let stack = stack_without_key(&[&format!("PrivateKeyKmsKeyArn={KMS_KEY}")]);
    let sign = format!(
        "kms:Sign on {KMS_KEY} if {}",
        json!({ "StringEquals": { "kms:SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256" } })
    );
    let base: Vec<&str> = BASE.into_iter().filter(|line| !line.starts_with("secretsmanager:")).collect();
    assert_eq!(allowed(&stack), set(&base, &[&sign]));
    let function = stack["functions"].as_object().unwrap().values().next().unwrap();
    let variables = &function["Environment"]["Variables"];
    assert_eq!(
        (&variables["PRIVATE_KEY_KMS_KEY"], &variables["PRIVATE_KEY_SECRET"]),
        (&json!(KMS_KEY), &json!("")),
        "one of them is blank"
    );
}

#[test]
fn the_private_key_is_in_exactly_one_place() {
    let key = format!("PrivateKeyKmsKeyArn={KMS_KEY}");
    let both = refused(&[SECRET, &key]);
    assert!(both.contains("are both given"), "{both}");
    let neither = refused(&[]);
    assert!(neither.contains("neither PrivateKeySecret nor PrivateKeyKmsKeyArn is given"), "{neither}");
    let alias = refused(&["PrivateKeyKmsKeyArn=arn:aws:kms:us-east-1:123456789012:alias/gate"]);
    assert!(alias.contains("not of an alias"), "{alias}");
}

#[test]
fn there_are_two_routes_that_are_throttled_and_end_in_time() {
    let stack = stack(&[]);
    let routes = stack["routes"].as_array().unwrap();
    let named: BTreeSet<String> = routes
        .iter()
        .map(|route| format!("{} {}", route["method"].as_str().unwrap(), route["path"].as_str().unwrap()))
        .collect();
    assert_eq!(named, set(&["POST /github/webhook", "GET /health"], &[]));
    for route in routes {
        assert_eq!(
            (&route["integration"]["payloadFormatVersion"], &route["integration"]["timeoutInMillis"]),
            (&json!("2.0"), &json!(10000))
        );
    }
    let stage = stack["apis"].as_object().unwrap().values().find(|api| api.get("StageName").is_some()).unwrap();
    assert_eq!(stage["DefaultRouteSettings"], json!({ "ThrottlingRateLimit": 100, "ThrottlingBurstLimit": 200 }));
}

#[test]
fn a_strangers_fifty_requests_a_second_leave_room_for_the_largest_matrix() {
    /// GitHub's largest matrix has 256 jobs, and GitHub delivers it within five seconds.
    const MATRIX_A_SECOND: f64 = 256.0 / 5.0;
    let stack = stack(&[]);
    let stage = stack["apis"].as_object().unwrap().values().find(|api| api.get("StageName").is_some()).unwrap();
    let limit = |name: &str| stage["DefaultRouteSettings"][name].as_f64().unwrap();
    let (rate, burst) = (limit("ThrottlingRateLimit"), limit("ThrottlingBurstLimit"));
    // What comes in five seconds, and what the bucket lets through.
    assert!(5.0 * (MATRIX_A_SECOND + 50.0) <= 5.0 * rate + burst, "{rate} a second, {burst} at once");
    assert!(burst >= 100.0, "{burst}");
}

#[test]
fn the_function_is_as_it_is_told() {
    let properties = |stack: &Value| stack["functions"].as_object().unwrap().values().next().unwrap().clone();
    let plain = properties(&stack(&[]));
    assert_eq!(
        (&plain["Runtime"], &plain["Architectures"], &plain["Handler"]),
        (&json!("provided.al2023"), &json!(["arm64"]), &json!("bootstrap"))
    );
    assert_eq!(plain.get("ReservedConcurrentExecutions"), None, "an account may have none to reserve");
    assert!(plain["Timeout"].as_u64().unwrap() >= 10);
    let told = properties(&stack(&["Architecture=x86_64", "ReservedConcurrency=5"]));
    assert_eq!((&told["Architectures"], &told["ReservedConcurrentExecutions"]), (&json!(["x86_64"]), &json!("5")));
}

#[test]
fn two_stacks_of_one_account_share_no_name() {
    let [one, other] = ["one", "other"].map(|name| stack(&["--stack-name", name]).to_string());
    assert!(!one.contains("FunctionName\":\"environment-gate"), "{one}");
    assert_ne!(one, other);
    assert_eq!(
        one.replace("EnvironmentGate/one", "EnvironmentGate/other")
            .replace("one:", "other:")
            .replace("one-us-", "other-us-")
            .replace("\"one/", "\"other/"),
        other,
        "only the stack's own name differs"
    );
}

/// An alarm's metric with its dimensions, its statistic, and when it goes off.
fn told(alarm: &Value) -> String {
    let dimensions = alarm.get("Dimensions").into_iter().flat_map(|all| all.as_array().unwrap());
    let dimensions: Vec<String> =
        dimensions.map(|one| format!(" {}={}", text(&one["Name"]), text(&one["Value"]))).collect();
    let comparison = match text(&alarm["ComparisonOperator"]) {
        "GreaterThanOrEqualToThreshold" => ">=",
        "GreaterThanThreshold" => ">",
        "LessThanThreshold" => "<",
        other => panic!("{other}"),
    };
    format!(
        "{} {}{} {comparison} {} in {} of {} s, without data {}",
        text(&alarm["Statistic"]),
        text(&alarm["MetricName"]),
        dimensions.concat(),
        alarm["Threshold"],
        alarm["EvaluationPeriods"],
        alarm["Period"],
        text(&alarm["TreatMissingData"])
    )
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

#[test]
fn whatever_needs_a_person_raises_an_alarm() {
    let topic = "arn:aws:sns:us-east-1:123456789012:on-call";
    let stack = stack(&[&format!("AlarmTopicArn={topic}")]);
    let alarms = stack["alarms"].as_object().unwrap();
    let expected = [
        "Maximum oldest_wait_seconds > 900 in 1 of 300 s, without data notBreaching",
        "Maximum wrong_decisions >= 1 in 1 of 300 s, without data notBreaching",
        "Minimum github_calls_left < 250 in 1 of 300 s, without data notBreaching",
        "SampleCount wrong_decisions < 1 in 1 of 10800 s, without data breaching",
        "Sum 4xx ApiId=<HttpApi> >= 20 in 1 of 300 s, without data notBreaching",
        "Sum Errors FunctionName=<Function> >= 1 in 1 of 60 s, without data notBreaching",
        "Sum Throttles FunctionName=<Function> >= 1 in 1 of 60 s, without data notBreaching",
        "Sum completed < 1 in 2 of 300 s, without data breaching",
        "Sum events_lost >= 1 in 1 of 300 s, without data notBreaching",
        "Sum decisions outcome=failed >= 1 in 1 of 60 s, without data notBreaching",
        "Sum policy_errors >= 1 in 1 of 60 s, without data notBreaching",
        "Sum settings_problems >= 1 in 1 of 60 s, without data notBreaching",
    ];
    assert_eq!(alarms.values().map(told).collect::<BTreeSet<_>>(), set(&expected, &[]));
    assert!(alarms.values().all(|alarm| alarm["AlarmActions"] == json!([topic])));
}

#[test]
fn every_alarm_is_in_the_operators_table() {
    let page = documents::read("docs/operations.md");
    for id in stack(&[])["alarms"].as_object().unwrap().keys() {
        let name = id.strip_suffix("Alarm").unwrap();
        assert!(page.contains(&format!("\n| {name} | ")), "{name}");
    }
}

#[test]
fn the_saved_queries_are_those_of_the_folder_for_the_functions_log() {
    let stack = stack(&[]);
    let queries = stack["queries"].as_object().unwrap().values();
    let saved: BTreeMap<&str, &str> = queries
        .clone()
        .map(|query| (query["Name"].as_str().unwrap(), query["QueryString"].as_str().unwrap()))
        .collect();
    let files = documents::queries();
    let named: Vec<(String, &str)> =
        files.iter().map(|(name, text)| (format!("environment-gate/{name}"), text.as_str())).collect();
    assert_eq!(saved, named.iter().map(|(name, text)| (name.as_str(), *text)).collect());
    assert!(queries.into_iter().all(|query| query["LogGroupNames"] == json!(["<FunctionLogGroup>"])));
}

#[test]
fn the_alarm_for_client_errors_watches_this_api() {
    let stack = stack(&[]);
    let alarm = stack["alarms"].as_object().unwrap().values().find(|alarm| alarm["MetricName"] == "4xx").unwrap();
    assert_eq!(alarm["Namespace"], "AWS/ApiGateway");
    assert_eq!(alarm["Dimensions"], json!([{ "Name": "ApiId", "Value": "<HttpApi>" }]));
    // A stranger's ten requests a second go over it in two seconds, a rotation of the secret does not.
    assert_eq!((&alarm["Period"], &alarm["Threshold"]), (&json!(300), &json!(20)));
}

#[test]
fn alarms_and_dashboard_read_metrics_that_log_lines_have() {
    let stack = stack(&[]);
    let function = stack["functions"].as_object().unwrap().values().next().unwrap();
    let namespace = &function["Environment"]["Variables"]["METRICS_NAMESPACE"];
    let lines = documents::sources("src/telemetry");
    let is_made = |name: &str| lines.contains(&format!("\"{name}\""));
    for alarm in
        stack["alarms"].as_object().unwrap().values().filter(|alarm| !text(&alarm["Namespace"]).starts_with("AWS/"))
    {
        assert_eq!(&alarm["Namespace"], namespace);
        assert!(is_made(text(&alarm["MetricName"])), "{alarm}");
    }
    let dashboard = stack["dashboards"].as_object().unwrap().values().next().unwrap();
    let body: Value = serde_json::from_str(text(&dashboard["DashboardBody"])).unwrap();
    let rows =
        body["widgets"].as_array().unwrap().iter().filter_map(|widget| widget["properties"]["metrics"].as_array());
    for row in rows.flatten() {
        if let Some(of) = row[0].as_str() {
            assert!(of == text(namespace) && is_made(text(&row[1])), "{row}");
        } else {
            let search = text(&row[0]["expression"]);
            assert!(search.starts_with(&format!("SEARCH('{{{},outcome", text(namespace))), "{search}");
            assert!(search.contains("MetricName=\"decisions\""), "{search}");
        }
    }
}

#[test]
fn the_dashboard_shows_every_alarm_and_nothing_overlaps() {
    let stack = stack(&[]);
    let dashboard = stack["dashboards"].as_object().unwrap().values().next().unwrap();
    let body: Value = serde_json::from_str(text(&dashboard["DashboardBody"])).unwrap();
    let widgets = body["widgets"].as_array().unwrap();
    let shown: BTreeSet<&str> = widgets[0]["properties"]["alarms"].as_array().unwrap().iter().map(text).collect();
    let alarms: BTreeSet<String> =
        stack["alarms"].as_object().unwrap().keys().map(|id| format!("<{id}.Arn>")).collect();
    assert_eq!(shown, alarms.iter().map(String::as_str).collect());
    let area = |widget: &Value| ["x", "y", "width", "height"].map(|side| widget[side].as_u64().unwrap());
    for (index, one) in widgets.iter().enumerate() {
        let [x, y, width, height] = area(one);
        assert!(x + width <= 24, "CloudWatch has 24 columns");
        let is_apart = |other: &Value| {
            let [left, top, wide, high] = area(other);
            x + width <= left || left + wide <= x || y + height <= top || top + high <= y
        };
        assert!(widgets[index + 1..].iter().all(is_apart), "{one}");
    }
    assert_eq!(self::stack(&["Dashboard=off"])["dashboards"], json!({}));
}

#[test]
fn a_sweep_comes_every_minute_and_is_never_made_up_for() {
    let stack = stack(&[]);
    let sources = stack["event_sources"].as_object().unwrap();
    let rule = sources.values().find(|source| source["ScheduleExpression"] == "rate(1 minute)").unwrap();
    let no_retry = json!({ "MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60 });
    assert_eq!(rule["Targets"][0]["RetryPolicy"], no_retry);
    let invoke = sources.values().find(|source| source.get("MaximumEventAgeInSeconds").is_some()).unwrap();
    assert_eq!((&invoke["MaximumRetryAttempts"], &invoke["MaximumEventAgeInSeconds"]), (&json!(0), &json!(60)));
}

#[test]
fn a_probe_comes_every_hour() {
    let stack = stack(&[]);
    let sources = stack["event_sources"].as_object().unwrap();
    let rule = sources.values().find(|source| source["ScheduleExpression"] == "rate(1 hour)").unwrap();
    let input: Value = serde_json::from_str(text(&rule["Targets"][0]["Input"])).unwrap();
    assert_eq!(input, json!({ "source": "environment-gate", "detail-type": "Probe" }));
}

#[test]
fn variables_and_permissions_are_the_same_wherever_they_are_told() {
    let stack = stack(&[]);
    let function = stack["functions"].as_object().unwrap().values().next().unwrap();
    let variables: BTreeSet<&str> =
        function["Environment"]["Variables"].as_object().unwrap().keys().map(String::as_str).collect();
    let source = documents::sources("src/config");
    let is_variable =
        |text: &&str| text.len() > 1 && text.contains('_') && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let read: BTreeSet<&str> = source.split('"').filter(is_variable).collect();
    // For work at a desk, or for a bundle in the package: not for the template.
    let elsewhere = BTreeSet::from([
        "APP_ID",
        "WEBHOOK_SECRET",
        "POLICY_FILE",
        "POLICIES_DIR",
        "PRIVATE_KEY_FILE",
        "SSL_CERT_FILE",
        "NO_COLOR",
    ]);
    // Lambda sets those of AWS.
    let set_by_template = read.difference(&elsewhere).filter(|name| !name.starts_with("AWS_"));
    assert_eq!(variables, set_by_template.copied().collect());
    let asked_for = serde_json::to_value(PERMISSIONS).unwrap();
    assert_eq!(asked_for, json!({ "actions": "read", "deployments": "write" }), "of a token");
    let page = documents::read("docs/configuration.md");
    assert!(page.contains("*Actions: read* and *Deployments: write*"), "what the App is given");
}

#[test]
fn the_template_is_valid_by_every_tool() {
    for (program, arguments) in [
        ("sam", vec!["validate", "--lint"]),
        ("sam", vec!["validate", "--region", "us-east-1", "--config-env", "plain"]),
        ("cfn-lint", vec!["template.yaml"]),
    ] {
        let output = run(program, &arguments);
        assert!(
            output.status.success(),
            "{program} {arguments:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// What `sam build` makes of this template for this machine: the program that is deployed.
pub(crate) fn built() -> &'static Path {
    static BOOTSTRAP: LazyLock<PathBuf> = LazyLock::new(|| {
        // AWS's name for the machine that this is.
        let machine = if std::env::consts::ARCH == "aarch64" { "arm64" } else { std::env::consts::ARCH };
        let (architecture, build) = (format!("Architecture={machine}"), "target/sam");
        let output = run("sam", &["build", "--build-dir", build, "--parameter-overrides", &architecture]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Path::new(ROOT).join(build).join("Function/bootstrap")
    });
    &BOOTSTRAP
}

#[tokio::test]
async fn what_sam_builds_answers_a_delivery() {
    let player = fixtures::player();
    let story = fixtures::one("approve/one-human-approved-the-gate");
    let Staged { github, event } = Staged::new(&story).await;
    let files = Files::of_story(player, &story);
    let mut lambda = function::start_program(built(), player, &files, &github.url()).await;
    assert_eq!(lambda.invoke(event).await.status(), 204, "{}", lambda.log());
    assert_eq!(github.violations(), Vec::<String>::new());
}
