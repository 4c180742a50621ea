//! The Terraform module is what the SAM template is: the same parameters with the same limits, and, whatever their values, the same resources with the same
//! properties. A difference is shown as lines that one has and the other lacks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::template::run;
use crate::terraform_module::{Evaluated, Module, Resource, Variable, holds, pattern};

/// Variables that no parameter corresponds to: CloudFormation names the stack, and `sam build` makes the package.
const OWN_VARIABLES: [&str; 2] = ["name", "package"];

/// A value for each parameter that has none by default.
const REQUIRED: [(&str, &str); 4] = [
    ("AppIdParameter", "/gate/app-id"),
    ("WebhookSecretParameter", "/gate/webhook-secret"),
    ("PolicyParameter", "/gate/policy"),
    // By default there is none of it, but without a key in KMS the template asks for it.
    ("PrivateKeySecret", "gate/private-key"),
];

/// A value other than the default for each parameter that has one.
const OTHERS: [(&str, &str); 19] = [
    ("PoliciesPath", "/gate/policies/"),
    ("ParametersKeyArn", "arn:aws:kms:us-east-1:123456789012:key/1"),
    ("SecretKeyArn", "arn:aws:kms:us-east-1:123456789012:key/2"),
    ("PermissionsBoundaryArn", "arn:aws:iam::123456789012:policy/boundary"),
    ("GitHubApiUrl", "https://ghe.example.com/api/v3"),
    ("OidcIssuer", "https://issuer.example.com"),
    ("ArtifactHosts", "one.example.com,two.example.com"),
    ("Architecture", "x86_64"),
    ("MemorySize", "512"),
    ("ReservedConcurrency", "20"),
    ("LogLevel", "debug"),
    ("LogRetentionDays", "30"),
    ("AccessLogs", "on"),
    ("LogKeyArn", "arn:aws:kms:us-east-1:123456789012:key/3"),
    ("PrivateKeyKmsKeyArn", "arn:aws:kms:us-east-1:123456789012:key/4"),
    ("EventBusName", "releases"),
    ("Tracing", "on"),
    ("Dashboard", "off"),
    ("AlarmTopicArn", "arn:aws:sns:us-east-1:123456789012:on-call"),
];

/// A resource of the module, and its id in the template. `{}` stands for its key in `for_each`.
const IDS: [(&str, &str); 13] = [
    ("aws_lambda_function.function", "Function"),
    ("aws_lambda_function_event_invoke_config.function", "FunctionEventInvokeConfig"),
    ("aws_lambda_permission.route", "Function{}Permission"),
    ("aws_lambda_permission.schedule", "Function{}Permission"),
    ("aws_iam_role.execution", "ExecutionRole"),
    ("aws_cloudwatch_log_group.function", "FunctionLogGroup"),
    ("aws_cloudwatch_log_group.access", "AccessLogGroup"),
    ("aws_cloudwatch_metric_alarm.alarm", "{}Alarm"),
    ("aws_cloudwatch_dashboard.operations", "OperationsDashboard"),
    ("aws_cloudwatch_query_definition.query", "{}Query"),
    ("aws_apigatewayv2_api.http", "HttpApi"),
    ("aws_apigatewayv2_stage.default", "HttpApiApiGatewayDefaultStage"),
    ("aws_cloudwatch_event_rule.schedule", "Function{}"),
];

/// Resources of the module that the template says inside of another one.
const INSIDE: [(&str, &str, &str); 1] = [("aws_cloudwatch_event_target.schedule", "Function{}", "Targets.0.")];

/// Resources of the module that are compared with the statements of the role and the routes of the API.
const ELSEWHERE: [&str; 3] =
    ["aws_iam_role_policy.execution", "aws_apigatewayv2_integration.function", "aws_apigatewayv2_route.route"];

/// What only AWS knows of the module's resources, as the translated template writes it. `{}` stands for the key in `for_each`.
const ATTRIBUTES: [(&str, &str, &str); 15] = [
    ("aws_lambda_function.function", "arn", "<Function.Arn>"),
    ("aws_lambda_function.function", "function_name", "<Function>"),
    (
        "aws_lambda_function.function",
        "invoke_arn",
        "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/<Function.Arn>/invocations",
    ),
    ("aws_iam_role.execution", "arn", "<ExecutionRole.Arn>"),
    ("aws_iam_role.execution", "name", "<ExecutionRole>"),
    ("aws_cloudwatch_log_group.function", "arn", "arn:aws:logs:us-east-1:123456789012:log-group:<FunctionLogGroup>"),
    ("aws_cloudwatch_log_group.function", "name", "<FunctionLogGroup>"),
    ("aws_cloudwatch_log_group.access", "arn", "arn:aws:logs:us-east-1:123456789012:log-group:<AccessLogGroup>"),
    ("aws_apigatewayv2_api.http", "api_endpoint", "<HttpApi.ApiEndpoint>"),
    ("aws_apigatewayv2_api.http", "execution_arn", "arn:aws:execute-api:us-east-1:123456789012:<HttpApi>"),
    ("aws_apigatewayv2_api.http", "id", "<HttpApi>"),
    ("aws_apigatewayv2_integration.function", "id", "<integration>"),
    ("aws_cloudwatch_event_rule.schedule", "arn", "<Function{}.Arn>"),
    ("aws_cloudwatch_event_rule.schedule", "name", "<Function{}>"),
    ("aws_cloudwatch_metric_alarm.alarm", "arn", "<{}Alarm.Arn>"),
];

/// Properties that Terraform calls otherwise than CloudFormation, beside upper and lower case.
const RENAMED: [(&str, &str, &str); 2] =
    [("aws_cloudwatch_log_group", "name", "LogGroupName"), ("aws_apigatewayv2_stage", "name", "StageName")];

/// What the module says and the template does not: names that CloudFormation chooses, the package, what SAM writes into the API's `OpenAPI` document.
const MODULE_ONLY: [(&str, &str); 13] = [
    ("aws_lambda_function", "function_name"),
    ("aws_lambda_function", "s3_bucket"),
    ("aws_lambda_function", "s3_key"),
    ("aws_iam_role", "name_prefix"),
    ("aws_iam_role", "assume_role_policy"),
    ("aws_cloudwatch_log_group", "name_prefix"),
    ("aws_cloudwatch_log_group", "skip_destroy"),
    ("aws_cloudwatch_metric_alarm", "alarm_name"),
    ("aws_cloudwatch_event_rule", "name_prefix"),
    ("aws_cloudwatch_event_target", "rule"),
    ("aws_apigatewayv2_api", "name"),
    ("aws_apigatewayv2_api", "description"),
    ("aws_apigatewayv2_api", "protocol_type"),
];

/// What the template says and the module does not: the package, SAM's tags, an id that the provider chooses, what is so by default, and the role's documents,
/// which are compared statement by statement.
const TEMPLATE_ONLY: [&str; 9] = [
    "Function: Code.",
    "Function: Tags.",
    "HttpApiApiGatewayDefaultStage: Tags.",
    "FunctionProbe: Targets.0.Id ",
    "FunctionSweep: Targets.0.Id ",
    "FunctionEventInvokeConfig: Qualifier = $LATEST",
    "ExecutionRole: AssumeRolePolicyDocument.",
    "ExecutionRole: Policies.",
    "Function: ReservedConcurrentExecutions = -1",
];

/// `AppIdParameter` is `app_id_parameter`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.replace("GitHub", "Github").chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// `metric_name` is `MetricName`.
fn camel(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        Some(letters.next()?.to_ascii_uppercase().to_string() + letters.as_str())
    };
    name.split('_').filter_map(word).collect()
}

/// The template as AWS would have it, with these parameters.
fn template(values: &[(&str, &str)]) -> Value {
    let values: Vec<String> = values.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let arguments: Vec<&str> =
        ["tests/layers/template.py"].into_iter().chain(values.iter().map(String::as_str)).collect();
    let output = run("python", &arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The module with the same values for its variables.
fn module(values: &[(&str, &str)]) -> Evaluated {
    let number = |value: &str| value.parse::<i64>().map_or_else(|_| json!(value), |number| json!(number));
    let mut variables: Map<String, Value> = values.iter().map(|(name, value)| (snake(name), number(value))).collect();
    let package = json!({ "path": null, "bucket": "bucket", "key": "code.zip", "object_version": null });
    variables.insert("package".to_owned(), package);
    Module::read().evaluate(&variables, &ATTRIBUTES)
}

/// The values with which the two are compared: each parameter as it is by default and as something else, and a secret by its ARN.
fn all_values() -> Vec<Vec<(&'static str, &'static str)>> {
    let mut by_arn = REQUIRED;
    by_arn[3].1 = "arn:aws:secretsmanager:us-east-1:123456789012:secret:other/key-a1B2c3";
    vec![REQUIRED.to_vec(), [REQUIRED.as_slice(), &OTHERS, &[("PrivateKeySecret", "")]].concat(), by_arn.to_vec()]
}

type Lines = BTreeSet<String>;

/// Asserts that both say the same.
#[track_caller]
fn same(what: &str, template: &Lines, module: &Lines) {
    let lines = |lines: Vec<&String>| lines.iter().map(|line| format!("\n    {line}")).collect::<Vec<_>>().concat();
    let (lacks, more) = (lines(template.difference(module).collect()), lines(module.difference(template).collect()));
    assert!(
        lacks.is_empty() && more.is_empty(),
        "{what}\n  template.yaml has, and deploy/terraform lacks:{lacks}\n  deploy/terraform has, and template.yaml lacks:{more}"
    );
    assert!(!template.is_empty(), "{what}: nothing was compared");
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// What stands in a path between a text and the values of the JSON object that it is.
const JSON: &str = ".{json}.";

/// Each value under its path: `Environment.Variables.RUST_LOG = info`. A text that is a JSON object is compared as one, however it is spaced.
fn flatten(value: &Value, path: &str, into: &mut BTreeMap<String, String>) {
    let under = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| flatten(value, &under(key), into)),
        Value::Array(list) => {
            for (value, at) in list.iter().zip(0..) {
                flatten(value, &under(&format!("{at}")), into);
            }
        }
        one => match serde_json::from_str(&text(one)) {
            Ok(json @ Value::Object(_)) => flatten(&json, &under(JSON.trim_matches('.')), into),
            _ => drop(into.insert(path.to_owned(), text(one))),
        },
    }
}

/// The properties of the template's resources, a line each.
fn of_template(stack: &Value) -> Lines {
    let mut lines = Lines::new();
    for (id, properties) in stack["properties"].as_object().unwrap() {
        let mut properties = properties.clone();
        if let Some(dimensions) = properties.get_mut("Dimensions") {
            let of = dimensions.as_array().unwrap().iter().map(|one| (text(&one["Name"]), one["Value"].clone()));
            *dimensions = Value::Object(of.collect());
        }
        let mut flat = BTreeMap::new();
        flatten(&properties, "", &mut flat);
        lines.extend(flat.iter().map(|(path, value)| format!("{id}: {path} = {value}")));
        lines.insert(format!("{id}: {}", text(&stack["resources"][id])));
    }
    lines.retain(|line| !TEMPLATE_ONLY.iter().any(|only| line.starts_with(only)));
    lines
}

/// What the template calls a resource of the module, and where in it the resource's properties stand; `None` for what is compared elsewhere.
fn id(resource: &Resource) -> Option<(String, &'static str)> {
    let address = resource.address.as_str();
    if ELSEWHERE.contains(&address) {
        return None;
    }
    let whole = IDS.iter().map(|(of, id)| (*of, *id, ""));
    let known = whole.chain(INSIDE).find(|(of, ..)| *of == address);
    let (_, id, inside) = known.unwrap_or_else(|| panic!("{address} is new: give it its id in template.yaml"));
    Some((id.replace("{}", resource.key.as_deref().unwrap_or_default()), inside))
}

/// CloudFormation's type of a resource.
fn cloudformation_type(terraform: &str) -> &'static str {
    match terraform {
        "aws_lambda_function" => "AWS::Lambda::Function",
        "aws_lambda_function_event_invoke_config" => "AWS::Lambda::EventInvokeConfig",
        "aws_lambda_permission" => "AWS::Lambda::Permission",
        "aws_iam_role" => "AWS::IAM::Role",
        "aws_cloudwatch_log_group" => "AWS::Logs::LogGroup",
        "aws_cloudwatch_metric_alarm" => "AWS::CloudWatch::Alarm",
        "aws_cloudwatch_dashboard" => "AWS::CloudWatch::Dashboard",
        "aws_cloudwatch_query_definition" => "AWS::Logs::QueryDefinition",
        "aws_apigatewayv2_api" => "AWS::ApiGatewayV2::Api",
        "aws_apigatewayv2_stage" => "AWS::ApiGatewayV2::Stage",
        "aws_cloudwatch_event_rule" | "aws_cloudwatch_event_target" => "AWS::Events::Rule",
        other => panic!("{other} is new: give it its type in CloudFormation"),
    }
}

/// A path in Terraform's words as CloudFormation has it. Keys of a map or of a JSON text are data, and stay.
fn path_in_cloudformation(kind: &str, path: &str) -> String {
    if let Some((.., renamed)) = RENAMED.iter().find(|(of, name, _)| *of == kind && *name == path) {
        return (*renamed).to_owned();
    }
    let data = ["environment.variables.", "dimensions."].iter().find_map(|map| path.strip_prefix(map));
    let data = data.or_else(|| path.split_once(JSON).map(|(_, data)| data)).unwrap_or_default();
    let names = path.strip_suffix(data).unwrap_or(path);
    format!("{}{data}", names.split('.').map(camel).collect::<Vec<_>>().join("."))
}

/// The properties of the module's resources, in the template's words.
fn of_module(module: &Evaluated) -> Lines {
    let mut lines = Lines::new();
    for resource in &module.resources {
        let Some((id, inside)) = id(resource) else { continue };
        let (kind, _) = resource.address.split_once('.').unwrap();
        let mut flat = BTreeMap::new();
        flatten(&resource.body, "", &mut flat);
        let is_own = |path: &str| {
            let mut own = MODULE_ONLY.iter().filter(|(of, _)| *of == kind);
            own.any(|(_, name)| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
        };
        flat.retain(|path, _| !is_own(path));
        lines.extend(
            flat.iter().map(|(path, value)| format!("{id}: {inside}{} = {value}", path_in_cloudformation(kind, path))),
        );
        lines.insert(format!("{id}: {}", cloudformation_type(kind)));
    }
    lines.retain(|line| !TEMPLATE_ONLY.iter().any(|only| line.starts_with(only)));
    lines
}

fn list(value: &Value) -> Vec<String> {
    let mut all: Vec<String> =
        value.as_array().map_or_else(|| vec![text(value)], |list| list.iter().map(text).collect());
    all.sort();
    all
}

/// The statements of a document, a line each.
fn statements(document: &Value) -> Lines {
    let line = |statement: &Value| {
        let sid = statement.get("Sid").map_or_else(|| "a statement".to_owned(), text);
        let who = statement.get("Principal").map(|who| format!(" {who}")).unwrap_or_default();
        let on = statement.get("Resource").map(|on| format!(" on {}", list(on).join(" "))).unwrap_or_default();
        let condition = statement.get("Condition").map(|condition| format!(" if {condition}")).unwrap_or_default();
        format!("{sid}: {}{who} {}{on}{condition}", text(&statement["Effect"]), list(&statement["Action"]).join(" "))
    };
    assert_eq!(document["Version"], "2012-10-17");
    document["Statement"].as_array().unwrap().iter().map(line).collect()
}

fn one<'m>(module: &'m Evaluated, address: &str) -> &'m Value {
    let mut found = module.resources.iter().filter(|resource| resource.address == address);
    let (first, second) = (found.next(), found.next());
    assert!(second.is_none(), "two of {address}");
    &first.unwrap_or_else(|| panic!("there is no {address}")).body
}

fn document(policy: &Value) -> Value {
    serde_json::from_str(policy.as_str().unwrap()).unwrap()
}

fn declared() -> Map<String, Value> {
    template(&REQUIRED)["declared"].as_object().unwrap().clone()
}

#[test]
fn the_variables_are_the_parameters() {
    let of_parameter = |(name, of): (&String, &Value)| {
        let default = of.get("Default").map_or_else(|| "none".to_owned(), text);
        format!(
            "{}: default {default}; {}; It {}",
            snake(name),
            text(&of["Description"]),
            text(&of["ConstraintDescription"])
        )
    };
    let parameters: Lines = declared().iter().map(of_parameter).collect();
    let variables = Module::read().variables().into_iter().filter(|of| !OWN_VARIABLES.contains(&of.name.as_str()));
    let variables: Lines = variables
        .map(|variable| {
            assert_eq!(variable.of["nullable"], json!(false), "{}: null would not be checked", variable.name);
            let default = variable.of.get("default").map_or_else(|| "none".to_owned(), text);
            format!(
                "{}: default {default}; {}; {}",
                variable.name,
                text(&variable.of["description"]),
                text(&variable.error_message)
            )
        })
        .collect();
    same("parameters: default, description, what is expected", &parameters, &variables);
}

/// What a parameter takes, in words: its pattern, its values, or its limits.
fn limits_of_parameter(of: &Value) -> String {
    if let Some(pattern) = of.get("AllowedPattern") {
        return format!("pattern {}", text(pattern));
    }
    match of.get("AllowedValues") {
        Some(values) => format!("one of {}", list(values).join(" ")),
        None => format!("{} to {}", of["MinValue"], of["MaxValue"]),
    }
}

/// The same of the variable. Of limits, whether they begin and end where the parameter's do.
fn limits_of_variable(variable: &Variable, of: &Value) -> String {
    let condition = variable.condition.as_ref().unwrap_or_else(|| panic!("{} has no validation", variable.name));
    if let Some(pattern) = pattern(condition) {
        return format!("pattern {pattern}");
    }
    let takes = |value: &Value| holds(condition, &variable.name, value);
    if let Some(values) = of.get("AllowedValues") {
        let nearby = [json!("other"), json!(""), json!(-1), json!(2), json!(4000)];
        let tried = values.as_array().unwrap().iter().chain(&nearby).filter(|value| takes(value));
        return format!("one of {}", list(&tried.cloned().collect()).join(" "));
    }
    let [low, high] = ["MinValue", "MaxValue"].map(|limit| of[limit].as_i64().unwrap_or_default());
    let taken: Vec<i64> = [low - 1, low, high, high + 1].into_iter().filter(|value| takes(&json!(value))).collect();
    let half = f64::from(i32::try_from(low).unwrap()) + 0.5;
    let whole = if takes(&json!(half)) { ", and parts" } else { "" };
    format!("{} to {}{whole}", taken.first().copied().unwrap_or_default(), taken.last().copied().unwrap_or_default())
}

#[test]
fn the_variables_take_what_the_parameters_take() {
    let declared = declared();
    let variables = Module::read().variables();
    let (mut template, mut module) = (Lines::new(), Lines::new());
    for (name, of) in &declared {
        template.insert(format!("{}: {}", snake(name), limits_of_parameter(of)));
        if let Some(variable) = variables.iter().find(|variable| variable.name == snake(name)) {
            module.insert(format!("{}: {}", snake(name), limits_of_variable(variable, of)));
        }
    }
    same("limits of parameters", &template, &module);
}

#[test]
fn every_parameter_is_compared_with_a_value_that_is_not_its_default() {
    for (name, of) in declared() {
        let (required, other) = [&REQUIRED[..], &OTHERS[..]].map(|all| all.iter().find(|(of, _)| *of == name)).into();
        match of.get("Default") {
            None => assert!(required.is_some(), "{name} is new: give it a value in REQUIRED"),
            Some(_) if required.is_some() => {}
            Some(default) => {
                let other = other.unwrap_or_else(|| panic!("{name} is new: give it a value in OTHERS"));
                assert_ne!(text(default), other.1, "{name}");
            }
        }
    }
}

#[test]
fn the_resources_have_the_same_properties() {
    for values in all_values() {
        same(&format!("with {values:?}"), &of_template(&template(&values)), &of_module(&module(&values)));
    }
}

#[test]
fn the_role_has_the_same_statements() {
    for values in all_values() {
        let stack = template(&values);
        let role = &stack["properties"]["ExecutionRole"];
        assert_eq!(role["Policies"].as_array().unwrap().len(), 1);
        let module = module(&values);
        let what = format!("the role's statements with {values:?}");
        let policy = &one(&module, "aws_iam_role_policy.execution")["policy"];
        same(&what, &statements(&role["Policies"][0]["PolicyDocument"]), &statements(&document(policy)));
        let trust = &one(&module, "aws_iam_role.execution")["assume_role_policy"];
        same("who may assume the role", &statements(&role["AssumeRolePolicyDocument"]), &statements(&document(trust)));
    }
}

#[test]
fn the_api_has_the_same_routes() {
    let stack = template(&REQUIRED);
    let of_stack = |route: &Value| {
        let to = &route["integration"];
        let [kind, method, uri] = ["type", "httpMethod", "uri"].map(|key| text(&to[key]));
        let [version, timeout] = ["payloadFormatVersion", "timeoutInMillis"].map(|key| text(&to[key]));
        format!(
            "{} {}: {} {method} {uri} {version} {timeout} ms",
            text(&route["method"]),
            text(&route["path"]),
            kind.to_uppercase()
        )
    };
    let routes: Lines = stack["routes"].as_array().unwrap().iter().map(of_stack).collect();
    let module = module(&REQUIRED);
    let to = one(&module, "aws_apigatewayv2_integration.function");
    let [kind, method, uri] = ["integration_type", "integration_method", "integration_uri"].map(|key| text(&to[key]));
    let [version, timeout] = ["payload_format_version", "timeout_milliseconds"].map(|key| text(&to[key]));
    let of_module = module.resources.iter().filter(|resource| resource.address == "aws_apigatewayv2_route.route");
    let of_module = of_module.map(|route| {
        assert_eq!(route.body["target"], "integrations/<integration>");
        format!("{}: {kind} {method} {uri} {version} {timeout} ms", text(&route.body["route_key"]))
    });
    same("routes", &routes, &of_module.collect());
}

#[test]
fn what_outlives_the_stack_outlives_the_module() {
    let retained = template(&REQUIRED)["retained"].as_array().unwrap().iter().map(text).collect();
    let module = module(&REQUIRED);
    let kept = module.resources.iter().filter(|resource| resource.body.get("skip_destroy") == Some(&json!(true)));
    same("what is kept", &retained, &kept.filter_map(id).map(|(id, _)| id).collect());
}

#[test]
fn the_outputs_are_the_same() {
    let stack = template(&REQUIRED);
    let of_stack = stack["outputs"].as_object().unwrap().iter();
    let of_stack = of_stack.map(|(name, value)| format!("{} = {}", snake(name), text(value))).collect();
    let outputs = module(&REQUIRED).outputs;
    same("outputs", &of_stack, &outputs.iter().map(|(name, value)| format!("{name} = {}", text(value))).collect());
}
