# The function, its role, its API and its schedules. template.yaml has the same, and says why each value is as it is; a test compares the two, so change both.

data "aws_partition" "current" {}
data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  # What the ARNs of this account and region have in common.
  here = "${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}"
  arn  = "arn:${data.aws_partition.current.partition}"

  # AWS adds a hyphen and six characters to the ARN of every secret. Six question marks match exactly them, so a longer name does not match.
  private_key_arn = startswith(var.private_key_secret, "arn:") ? var.private_key_secret : "${local.arn}:secretsmanager:${local.here}:secret:${var.private_key_secret}-??????"

  # GitHub never sends a webhook again, so the function looks for what is still waiting. And it decides built-in runs, to see that it still says no.
  schedules = {
    Sweep = {
      description = "Finds jobs that are still waiting on GitHub, and decides on them."
      expression  = "rate(1 minute)"
      input       = null
    }
    Probe = {
      description = "Checks that the function still rejects what it must."
      expression  = "rate(1 hour)"
      input       = jsonencode({ source = "environment-gate", detail-type = "Probe" })
    }
  }

  statements = concat(
    [
      {
        Sid    = "ReadParameters"
        Effect = "Allow"
        Action = ["ssm:GetParameters"]
        # The names already begin with the slash.
        Resource = [for name in [var.app_id_parameter, var.webhook_secret_parameter, var.policy_parameter] : "${local.arn}:ssm:${local.here}:parameter${name}"]
      },
      {
        Sid      = "WriteLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${aws_cloudwatch_log_group.function.arn}:*"]
      },
    ],
    var.private_key_secret == "" ? [] : [
      {
        Sid      = "ReadPrivateKey"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = [local.private_key_arn]
      },
    ],
    var.private_key_kms_key_arn == "" ? [] : [
      {
        Sid      = "SignWithPrivateKey"
        Effect   = "Allow"
        Action   = ["kms:Sign"]
        Resource = [var.private_key_kms_key_arn]
        # RS256, as GitHub asks for it.
        Condition = { StringEquals = { "kms:SigningAlgorithm" = "RSASSA_PKCS1_V1_5_SHA_256" } }
      },
    ],
    var.event_bus_name == "" ? [] : [
      {
        Sid      = "SendEvents"
        Effect   = "Allow"
        Action   = ["events:PutEvents"]
        Resource = [startswith(var.event_bus_name, "arn:") ? var.event_bus_name : "${local.arn}:events:${local.here}:event-bus/${var.event_bus_name}"]
        # What other programs send there cannot be imitated.
        Condition = { StringEquals = { "events:source" = "environment-gate" } }
      },
    ],
    var.policies_path == "" ? [] : [
      {
        Sid      = "ReadPolicies"
        Effect   = "Allow"
        Action   = ["ssm:GetParametersByPath"]
        Resource = ["${local.arn}:ssm:${local.here}:parameter${var.policies_path}*"]
      },
    ],
    # AWS managed keys need no statement.
    var.parameters_key_arn == "" ? [] : [
      {
        Sid       = "DecryptParameters"
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = [var.parameters_key_arn]
        Condition = { StringEquals = { "kms:ViaService" = "ssm.${data.aws_region.current.id}.amazonaws.com" } }
      },
    ],
    var.secret_key_arn == "" ? [] : [
      {
        Sid       = "DecryptPrivateKey"
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = [var.secret_key_arn]
        Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${data.aws_region.current.id}.amazonaws.com" } }
      },
    ],
    var.tracing == "off" ? [] : [
      {
        Sid      = "WriteTraces"
        Effect   = "Allow"
        Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
        Resource = ["*"]
      },
    ],
  )
}

resource "aws_lambda_function" "function" {
  function_name                  = var.name
  description                    = "Decides GitHub's deployment_protection_rule deliveries."
  filename                       = var.package.path
  source_code_hash               = var.package.path == null ? null : filebase64sha256(var.package.path)
  s3_bucket                      = var.package.bucket
  s3_key                         = var.package.key
  s3_object_version              = var.package.object_version
  handler                        = "bootstrap"
  runtime                        = "provided.al2023"
  architectures                  = [var.architecture]
  memory_size                    = var.memory_size
  timeout                        = 10
  reserved_concurrent_executions = var.reserved_concurrency
  role                           = aws_iam_role.execution.arn

  tracing_config {
    mode = var.tracing == "on" ? "Active" : "PassThrough"
  }

  logging_config {
    log_group  = aws_cloudwatch_log_group.function.name
    log_format = "Text"
  }

  environment {
    # Names and addresses only, so that whoever can read the function's configuration learns no secret.
    variables = {
      APP_ID_PARAMETER         = var.app_id_parameter
      WEBHOOK_SECRET_PARAMETER = var.webhook_secret_parameter
      POLICY_PARAMETER         = var.policy_parameter
      POLICIES_PATH            = var.policies_path
      PRIVATE_KEY_SECRET       = var.private_key_secret
      PRIVATE_KEY_KMS_KEY      = var.private_key_kms_key_arn
      GITHUB_API_URL           = var.github_api_url
      OIDC_ISSUER              = var.oidc_issuer
      ARTIFACT_HOSTS           = var.artifact_hosts
      METRICS_NAMESPACE        = local.namespace
      EVENT_BUS_NAME           = var.event_bus_name
      RUST_LOG                 = var.log_level
    }
  }

  # A function that starts before its role allows anything fails.
  depends_on = [aws_iam_role_policy.execution]

  lifecycle {
    precondition {
      condition     = (var.private_key_secret == "") != (var.private_key_kms_key_arn == "")
      error_message = "Give one of private_key_secret and private_key_kms_key_arn, and not both."
    }
  }
}

resource "aws_lambda_function_event_invoke_config" "function" {
  function_name                = aws_lambda_function.function.function_name
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 60
}

resource "aws_iam_role" "execution" {
  name_prefix          = "${var.name}-"
  description          = "What Environment Gate may do in AWS."
  permissions_boundary = var.permissions_boundary_arn == "" ? null : var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { Service = "lambda.amazonaws.com" }
        Action    = "sts:AssumeRole"
        # Only for functions of this account.
        Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
      },
    ]
  })
}

resource "aws_iam_role_policy" "execution" {
  name   = "environment-gate"
  role   = aws_iam_role.execution.name
  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements })
}

resource "aws_cloudwatch_log_group" "function" {
  # A prefix, so that a group left behind by an earlier deployment does not block a new one.
  name_prefix       = "/aws/lambda/${var.name}-"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_key_arn == "" ? null : var.log_key_arn
  # Decisions are the audit trail: the group outlives the function, and its lines expire with their retention.
  skip_destroy = true
}

resource "aws_cloudwatch_log_group" "access" {
  count = var.access_logs == "on" ? 1 : 0

  # Under another prefix each such group adds to a single resource policy of the account, which soon reaches its size limit.
  name              = "/aws/vendedlogs/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_key_arn == "" ? null : var.log_key_arn
}

resource "aws_apigatewayv2_api" "http" {
  name          = var.name
  description   = "Environment Gate"
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_integration" "function" {
  api_id                 = aws_apigatewayv2_api.http.id
  integration_type       = "AWS_PROXY"
  integration_method     = "POST"
  integration_uri        = aws_lambda_function.function.invoke_arn
  payload_format_version = "2.0"
  timeout_milliseconds   = 10000
}

resource "aws_apigatewayv2_route" "route" {
  for_each = { Webhook = "POST /github/webhook", Health = "GET /health" }

  api_id    = aws_apigatewayv2_api.http.id
  route_key = each.value
  target    = "integrations/${aws_apigatewayv2_integration.function.id}"
}

resource "aws_lambda_permission" "route" {
  for_each = { Webhook = "POST/github/webhook", Health = "GET/health" }

  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.http.execution_arn}/*/${each.value}"
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.http.id
  name        = "$default"
  auto_deploy = true

  # The default for all routes, so that a route added later is throttled too.
  default_route_settings {
    throttling_rate_limit  = 100
    throttling_burst_limit = 200
  }

  dynamic "access_log_settings" {
    for_each = aws_cloudwatch_log_group.access

    content {
      destination_arn = access_log_settings.value.arn
      # No headers and no body: neither belongs in a log.
      format = join(" ", [
        "{\"requestId\":\"$context.requestId\",\"time\":\"$context.requestTime\",\"ip\":\"$context.identity.sourceIp\",",
        "\"route\":\"$context.routeKey\",\"status\":\"$context.status\",\"responseBytes\":\"$context.responseLength\",",
        "\"latencyMs\":\"$context.responseLatency\",\"integrationStatus\":\"$context.integrationStatus\",",
        "\"integrationLatencyMs\":\"$context.integrationLatency\",\"error\":\"$context.integrationErrorMessage\"}",
      ])
    }
  }
}

resource "aws_cloudwatch_event_rule" "schedule" {
  for_each = local.schedules

  name_prefix         = "${var.name}-"
  description         = each.value.description
  schedule_expression = each.value.expression
}

resource "aws_cloudwatch_event_target" "schedule" {
  for_each = local.schedules

  rule  = aws_cloudwatch_event_rule.schedule[each.key].name
  arn   = aws_lambda_function.function.arn
  input = each.value.input

  retry_policy {
    maximum_retry_attempts       = 0
    maximum_event_age_in_seconds = 60
  }
}

resource "aws_lambda_permission" "schedule" {
  for_each = local.schedules

  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.function.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.schedule[each.key].arn
}
