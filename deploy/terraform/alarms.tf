# The alarms. Their metrics come out of the function's own log lines. A key is what template.yaml calls the alarm, without `Alarm`.

locals {
  namespace = "EnvironmentGate/${var.name}"

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
      description = "a setting cannot be read or used. The log line with the target environment_gate::config says which, and what waits."
      metric      = "settings_problems"
    }
    PolicyErrors = {
      description = "a policy in Rego fails, so runs wait. The log line with the target environment_gate::policy names it and the line."
      metric      = "policy_errors"
    }
    Failed = {
      description = "deliveries fail in a way that only an operator can fix. The reason in the decision's log line says what is wrong."
      metric      = "decisions"
      dimensions  = { outcome = "failed" }
    }
    Sweeps = {
      description        = "no sweep has completed for ten minutes. See the fields 'problems' and 'left' in the sweeps' log lines."
      metric             = "completed"
      period             = 300
      evaluation_periods = 2
      comparison         = "LessThanThreshold"
      missing_data       = "breaching"
    }
    OldestWait = {
      description = "a job has been waiting, undecided, in a run that has not changed for a quarter of an hour. The reason in the decision's log line says what it is waiting for."
      metric      = "oldest_wait_seconds"
      statistic   = "Maximum"
      period      = 300
      threshold   = 900
      comparison  = "GreaterThanThreshold"
    }
    Probe = {
      description = "the function decides a built-in run wrongly. Stop it at once (docs/operations.md, Pause), then see the log line with the target environment_gate::probe."
      metric      = "wrong_decisions"
      statistic   = "Maximum"
      period      = 300
    }
    Probes = {
      description  = "the function has not checked itself for three hours. See that its schedules are enabled and its invocations succeed."
      metric       = "wrong_decisions"
      statistic    = "SampleCount"
      period       = 10800
      comparison   = "LessThanThreshold"
      missing_data = "breaching"
    }
    CallsLeft = {
      description = "GitHub allows an installation fewer than 250 more calls this hour. When none is left, everything waits until the next hour. See github_calls in the log's lines."
      metric      = "github_calls_left"
      statistic   = "Minimum"
      period      = 300
      threshold   = 250
      comparison  = "LessThanThreshold"
    }
    Events = {
      description = "events of decisions do not reach the event bus. The log line with the target environment_gate::events says why, and how many were lost."
      metric      = "events_lost"
      period      = 300
    }
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
