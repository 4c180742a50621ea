//! deploy/role.yaml, by what it becomes: who may assume its roles, and all that these may do.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::template::run;
use crate::trust_iam::verdict;

const PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";

/// What a stack with these values would have.
fn stack(more: &[&str]) -> Value {
    let fixed = [
        "tests/layers/template.py",
        "--template",
        "deploy/role.yaml",
        "Repository=octo-org/environment-gate",
        "RepositoryId=4242",
        "ArtifactBucket=artifacts",
    ];
    let output = run("python", &[&fixed, more].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The trust policy of the role that GitHub's jobs assume, with a provider that exists.
fn trust(stack: &Value) -> Value {
    let mut statements = stack["roles"]["DeployRole"]["trust"].clone();
    let federated = &mut statements[0]["Principal"]["Federated"];
    assert!(*federated == "<Provider>" || *federated == PROVIDER, "{federated}");
    *federated = json!(PROVIDER);
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// The verdict of `gate trust --check` on a role of IAM with this trust policy.
async fn verdict_of(policy: &Value, subject: &str) -> String {
    let facts = std::env::temp_dir().join(format!("environment-gate-facts-{:016x}.json", fastrand::u64(..)));
    let of = json!({ "repository": "octo-org/environment-gate", "repository_id": 4242, "owner_id": 77, "environment": "release", "subject": subject });
    std::fs::write(&facts, of.to_string()).unwrap();
    let told = verdict(&policy.to_string(), &facts.to_string_lossy()).await;
    std::fs::remove_file(facts).unwrap();
    told["verdict"].as_str().unwrap().to_owned()
}

/// Each statement of a role: its actions, on its resources, if its condition holds.
fn allowed(role: &Value) -> Vec<String> {
    assert_eq!(role["managed_policies"], json!([]));
    let words = |value: &Value| -> String {
        let words = value.as_array().unwrap().iter().map(|word| word.as_str().unwrap());
        words.collect::<Vec<_>>().join(" ")
    };
    let line = |statement: &Value| {
        assert_eq!(statement["Effect"], "Allow");
        let condition = statement.get("Condition").map(|condition| format!(" if {condition}")).unwrap_or_default();
        format!("{} on {}{condition}", words(&statement["Action"]), words(&statement["Resource"]))
    };
    role["statements"].as_array().unwrap().iter().map(line).collect()
}

const TRANSFORM: &str =
    "cloudformation:CreateChangeSet on arn:aws:cloudformation:us-east-1:aws:transform/Serverless-2016-10-31";
const EXECUTION_ROLE: &str = "arn:aws:iam::123456789012:role/environment-gate-ExecutionRole-*";

#[test]
fn the_template_of_the_roles_is_valid() {
    let output = run("cfn-lint", &["deploy/role.yaml"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[tokio::test]
async fn jobs_of_the_environment_alone_assume_the_role() {
    let own = trust(&stack(&[]));
    assert_eq!(verdict_of(&own, "default").await, "only-the-gate", "{own}");
    let existing = trust(&stack(&[&format!("ExistingProviderArn={PROVIDER}")]));
    assert_eq!(existing, own);
    let immutable = "Subject=repo:octo-org@77/environment-gate@4242:environment:release";
    let immutable = trust(&stack(&[immutable]));
    assert_eq!(verdict_of(&immutable, "immutable").await, "only-the-gate", "{immutable}");
    assert_eq!(verdict_of(&own, "immutable").await, "nobody", "a `sub` of the other form");
}

#[tokio::test]
async fn without_the_environment_more_than_the_gate_gets_in() {
    for subject in [json!(null), json!("repo:octo-org/environment-gate:*")] {
        let mut loose = trust(&stack(&[]));
        let environment = "token.actions.githubusercontent.com:environment";
        let condition = loose["Statement"][0]["Condition"].as_object_mut().unwrap();
        let exact = condition["StringEquals"].as_object_mut().unwrap();
        exact.remove(environment).unwrap();
        // The exact `sub` still names the environment, so it has to go too.
        exact.remove("token.actions.githubusercontent.com:sub").unwrap();
        if !subject.is_null() {
            condition.insert("StringLike".to_owned(), json!({ "token.actions.githubusercontent.com:sub": subject }));
        }
        assert_eq!(verdict_of(&loose, "default").await, "more-than-the-gate", "{loose}");
    }
}

#[test]
fn the_role_of_the_job_may_only_change_the_stack() {
    let stack = stack(&[]);
    let expected = [
        "cloudformation:CreateChangeSet cloudformation:DescribeChangeSet cloudformation:DescribeStackEvents cloudformation:DescribeStacks cloudformation:ExecuteChangeSet cloudformation:GetTemplateSummary on arn:aws:cloudformation:us-east-1:123456789012:stack/environment-gate/*",
        TRANSFORM,
        "s3:AbortMultipartUpload s3:GetObject s3:PutObject on arn:aws:s3:::artifacts/environment-gate/*",
        r#"iam:PassRole on <ServiceRole.Arn> if {"StringEquals":{"iam:PassedToService":"cloudformation.amazonaws.com"}}"#,
    ];
    assert_eq!(allowed(&stack["roles"]["DeployRole"]), expected);
    assert_eq!(stack["roles"].as_object().unwrap().len(), 2, "two roles");
}

#[test]
fn cloudformation_may_only_change_what_the_stack_contains() {
    let stack = stack(&[]);
    let role = &stack["roles"]["ServiceRole"];
    let trust = json!([{ "Effect": "Allow", "Principal": { "Service": "cloudformation.amazonaws.com" }, "Action": ["sts:AssumeRole"] }]);
    assert_eq!(role["trust"], trust);
    let alarms = [
        "CallsLeft",
        "ClientErrors",
        "Errors",
        "Events",
        "Failed",
        "OldestWait",
        "PolicyErrors",
        "Probe",
        "Probes",
        "Settings",
        "Sweeps",
        "Throttles",
    ];
    let alarms =
        alarms.map(|id| format!("arn:aws:cloudwatch:us-east-1:123456789012:alarm:environment-gate-{id}Alarm-*"));
    let expected = [
        TRANSFORM.to_owned(),
        "s3:GetObject on arn:aws:s3:::artifacts/environment-gate/*".to_owned(),
        "lambda:AddPermission lambda:CreateFunction lambda:DeleteFunction lambda:DeleteFunctionConcurrency lambda:DeleteFunctionEventInvokeConfig lambda:GetFunction lambda:GetFunctionCodeSigningConfig lambda:GetFunctionConfiguration lambda:GetFunctionEventInvokeConfig lambda:GetFunctionRecursionConfig lambda:GetFunctionScalingConfig lambda:GetPolicy lambda:GetRuntimeManagementConfig lambda:ListTags lambda:PutFunctionConcurrency lambda:PutFunctionEventInvokeConfig lambda:RemovePermission lambda:TagResource lambda:UntagResource lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration lambda:UpdateFunctionEventInvokeConfig on arn:aws:lambda:us-east-1:123456789012:function:environment-gate-Function-*".to_owned(),
        format!(r#"iam:CreateRole iam:PutRolePermissionsBoundary iam:PutRolePolicy on {EXECUTION_ROLE} if {{"StringEquals":{{"iam:PermissionsBoundary":"<Boundary>"}}}}"#),
        format!("iam:DeleteRole iam:DeleteRolePolicy iam:GetRole iam:GetRolePolicy iam:ListAttachedRolePolicies iam:ListRolePolicies iam:TagRole iam:UntagRole iam:UpdateAssumeRolePolicy iam:UpdateRole iam:UpdateRoleDescription on {EXECUTION_ROLE}"),
        format!(r#"iam:PassRole on {EXECUTION_ROLE} if {{"StringEquals":{{"iam:PassedToService":"lambda.amazonaws.com"}}}}"#),
        "apigateway:DELETE apigateway:GET apigateway:PATCH apigateway:POST apigateway:PUT on arn:aws:apigateway:us-east-1::/apis arn:aws:apigateway:us-east-1::/apis/* arn:aws:apigateway:us-east-1::/tags/*".to_owned(),
        "logs:AssociateKmsKey logs:CreateLogGroup logs:DeleteLogGroup logs:DeleteRetentionPolicy logs:DisassociateKmsKey logs:GetDataProtectionPolicy logs:ListTagsForResource logs:PutRetentionPolicy logs:TagResource logs:UntagResource on arn:aws:logs:us-east-1:123456789012:log-group:environment-gate-FunctionLogGroup-*".to_owned(),
        "logs:DeleteQueryDefinition logs:DescribeQueryDefinitions logs:PutQueryDefinition on *".to_owned(),
        "events:DeleteRule events:DescribeRule events:ListTagsForResource events:ListTargetsByRule events:PutRule events:PutTargets events:RemoveTargets events:TagResource events:UntagResource on arn:aws:events:us-east-1:123456789012:rule/environment-gate-FunctionProbe-* arn:aws:events:us-east-1:123456789012:rule/environment-gate-FunctionSweep-*".to_owned(),
        format!("cloudwatch:DeleteAlarms cloudwatch:ListTagsForResource cloudwatch:PutMetricAlarm cloudwatch:TagResource cloudwatch:UntagResource on {}", alarms.join(" ")),
        "cloudwatch:DeleteDashboards cloudwatch:GetDashboard cloudwatch:PutDashboard on arn:aws:cloudwatch::123456789012:dashboard/environment-gate-us-east-1".to_owned(),
        "cloudwatch:DescribeAlarms logs:DescribeIndexPolicies logs:DescribeLogGroups logs:DescribeResourcePolicies on *".to_owned(),
    ];
    assert_eq!(allowed(role), expected);
}

#[test]
fn a_boundary_of_your_own_takes_the_place_of_ours() {
    let own = "arn:aws:iam::123456789012:policy/prescribed";
    let stack = stack(&[&format!("PermissionsBoundaryArn={own}")]);
    assert_eq!(stack["outputs"]["BoundaryArn"], own);
    let service = allowed(&stack["roles"]["ServiceRole"]);
    let bound = |line: &&String| line.contains("iam:PermissionsBoundary\":");
    let bound: Vec<_> = service.iter().filter(bound).collect();
    assert!(bound.len() == 1 && bound[0].contains(own), "{bound:?}");
    assert_eq!(stack["resources"].get("Boundary"), None);
}

/// The key where the boundary lets the function read it.
const SECRET: &str = "PrivateKeySecret=environment-gate/private-key";

/// The resources of template.yaml, without optional ones that the roles do not own.
fn of_template(more: &[&str]) -> Value {
    let names = ["AppId", "WebhookSecret", "Policy"].map(|name| format!("{name}Parameter=/environment-gate/{name}"));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let fixed = ["tests/layers/template.py", "Tracing=on"];
    let output = run("python", &[&fixed, names.as_slice(), more].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn everything_with_a_name_that_the_template_contains_may_be_changed_and_nothing_else() {
    let template = of_template(&[SECRET, "--stack-name", "environment-gate"]);
    let named = ["::Function", "::Role", "::LogGroup", "::Rule", "::Alarm"];
    let resources = template["resources"].as_object().unwrap();
    let resources = resources.iter().filter(|(_, kind)| named.iter().any(|end| kind.as_str().unwrap().ends_with(end)));
    let dashboards = template["dashboards"].as_object().unwrap().values();
    let dashboards = dashboards.map(|dashboard| dashboard["DashboardName"].as_str().unwrap().to_owned());
    let contained: BTreeSet<String> =
        resources.map(|(id, _)| format!("environment-gate-{id}-*")).chain(dashboards).collect();
    let stack = stack(&[]);
    let statements = stack["roles"]["ServiceRole"]["statements"].as_array().unwrap();
    let resources = statements.iter().flat_map(|statement| statement["Resource"].as_array().unwrap());
    let names = resources.filter_map(|arn| arn.as_str().unwrap().rsplit(['/', ':']).next());
    let owned: BTreeSet<String> =
        names.filter(|name| name.starts_with("environment-gate-")).map(ToOwned::to_owned).collect();
    assert_eq!(owned, contained);
}

#[test]
fn the_boundary_lets_the_function_sign_with_tagged_keys_alone() {
    let stack = stack(&[]);
    let boundary = stack["other_iam"]["Boundary"]["PolicyDocument"]["Statement"].as_array().unwrap();
    let signs: Vec<&Value> = boundary.iter().filter(|statement| statement["Action"] == "kms:Sign").collect();
    let condition = json!({ "StringEquals": {
        "aws:ResourceTag/environment-gate": "private-key",
        "kms:SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256",
    } });
    assert_eq!(signs.iter().map(|statement| &statement["Condition"]).collect::<Vec<_>>(), [&condition]);
}

/// Whether a statement's pattern, in which `*` is anything, covers all that another matches.
fn covers(pattern: &str, other: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == other };
    let Some(rest) = other.strip_prefix(before) else { return false };
    (0..=rest.len()).any(|at| rest.get(at..).is_some_and(|end| covers(after, end)))
}

#[test]
fn the_boundary_takes_nothing_from_the_function() {
    let stack = stack(&[]);
    let boundary = stack["other_iam"]["Boundary"]["PolicyDocument"]["Statement"].as_array().unwrap();
    let list = |value: &Value| -> Vec<String> {
        match value.as_array() {
            Some(all) => all.iter().map(|one| one.as_str().unwrap().to_owned()).collect(),
            None => vec![value.as_str().unwrap().to_owned()],
        }
    };
    let within = |action: &str, resource: &str| {
        boundary.iter().any(|statement| {
            list(&statement["Action"]).iter().any(|allowed| allowed == action)
                && list(&statement["Resource"]).iter().any(|pattern| covers(pattern, resource))
        })
    };
    let key = "arn:aws:kms:us-east-1:123456789012:key/1";
    let (parameters, secret) = (format!("ParametersKeyArn={key}"), format!("SecretKeyArn={key}"));
    let more = [SECRET, &parameters, &secret, "PoliciesPath=/environment-gate/policies/", "EventBusName=releases"];
    let with_secret = of_template(&more);
    let with_kms = of_template(&[&format!("PrivateKeyKmsKeyArn={key}")]);
    let statements = [&with_secret, &with_kms].map(|template| &template["roles"]["ExecutionRole"]["statements"]);
    for statement in statements.into_iter().flat_map(|statements| statements.as_array().unwrap()) {
        for action in list(&statement["Action"]) {
            for resource in list(&statement["Resource"]) {
                // CloudFormation names the group.
                let resource = resource.replace("<FunctionLogGroup>", "environment-gate-FunctionLogGroup-A1B2C3");
                assert!(within(&action, &resource), "{action} on {resource}");
            }
        }
    }
    assert!(!within("iam:PassRole", EXECUTION_ROLE) && !within("ssm:GetParameters", "*"));
}
