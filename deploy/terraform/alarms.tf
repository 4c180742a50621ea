# The alarms, and the metrics that they read from the function's log lines. A key is what template.yaml calls the resource, without `Filter` or `Alarm`.

locals {
  namespace = "EnvironmentGate/${var.name}"

  filters = {
    Settings = {
      pattern = "{ $.target = \"environment_gate::config\" || $.target = \"environment_gate::policy\" }"
      metric  = "SettingsProblems"
      value   = "1"
      unit    = "Count"
    }
    Failed = {
      pattern = "{ $.target = \"environment_gate::decision\" && $.outcome = \"failed\" }"
      metric  = "Failed"
      value   = "1"
      unit    = "Count"
    }
    Sweep = {
      pattern = "{ $.target = \"environment_gate::sweep\" && $.complete IS TRUE }"
      metric  = "Sweeps"
      value   = "1"
      unit    = "Count"
    }
    OldestWait = {
      pattern = "{ $.target = \"environment_gate::sweep\" && $.oldest_wait_seconds >= 0 }"
      metric  = "OldestWait"
      value   = "$.oldest_wait_seconds"
      unit    = "Seconds"
    }
  }

  # What an alarm has, if it does not say otherwise.
  usual_alarm = {
    namespace          = local.namespace
    dimensions         = {}
    statistic          = "Sum"
    period             = 60
    evaluation_periods = 1
    threshold          = 1
    comparison         = "GreaterThanOrEqualToThreshold"
    missing_data       = "notBreaching"
  }

  alarms = {
    Errors = {
      description = "invocations are failing. The function's log says why."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.function.function_name }
    }
    Throttles = {
      description = "Lambda is throttling deliveries. Raise the function's or the account's concurrency."
      namespace   = "AWS/Lambda"
      metric      = "Throttles"
      dimensions  = { FunctionName = aws_lambda_function.function.function_name }
    }
    ClientErrors = {
      description = "the API throttles (429) or the function refuses (4xx) many requests, GitHub's perhaps among them. The reason in the decision's log line says why; where there is no line, the API throttles."
      namespace   = "AWS/ApiGateway"
      metric      = "4xx"
      dimensions  = { ApiId = aws_apigatewayv2_api.http.id }
      period      = 300
      threshold   = 20
    }
    Settings = {
      description = "a setting cannot be read or used, or a policy in Rego fails. The log line with the target environment_gate::config or environment_gate::policy says which, and what waits."
      metric      = "SettingsProblems"
    }
    Failed = {
      description = "deliveries fail in a way that only an operator can fix. The reason in the decision's log line says what is wrong."
      metric      = "Failed"
    }
    Sweeps = {
      description        = "no sweep has completed for ten minutes. See the fields 'problems' and 'left' in the sweeps' log lines."
      metric             = "Sweeps"
      period             = 300
      evaluation_periods = 2
      comparison         = "LessThanThreshold"
      missing_data       = "breaching"
    }
    OldestWait = {
      description = "a job has been waiting, undecided, in a run that has not changed for a quarter of an hour. The reason in the decision's log line says what it is waiting for."
      metric      = "OldestWait"
      statistic   = "Maximum"
      period      = 300
      threshold   = 900
      comparison  = "GreaterThanThreshold"
    }
  }
}

resource "aws_cloudwatch_log_metric_filter" "filter" {
  for_each = local.filters

  name           = each.key
  log_group_name = aws_cloudwatch_log_group.function.name
  pattern        = each.value.pattern

  metric_transformation {
    namespace = local.namespace
    name      = each.value.metric
    value     = each.value.value
    unit      = each.value.unit
  }
}

resource "aws_cloudwatch_metric_alarm" "alarm" {
  for_each = { for key, alarm in local.alarms : key => merge(local.usual_alarm, alarm) }

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${var.name}: ${each.value.description}"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.evaluation_periods
  threshold           = each.value.threshold
  comparison_operator = each.value.comparison
  treat_missing_data  = each.value.missing_data
  alarm_actions       = var.alarm_topic_arn == "" ? [] : [var.alarm_topic_arn]
}
