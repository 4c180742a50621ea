# Is it working, what waits, what was refused, how near are GitHub's limits? From left to right, and from top to bottom.
resource "aws_cloudwatch_dashboard" "operations" {
  count = var.dashboard == "on" ? 1 : 0

  # An account has one list of dashboards for all its regions.
  dashboard_name = "${var.name}-${data.aws_region.current.id}"

  dashboard_body = jsonencode({
    start = "-PT24H"
    widgets = [
      {
        type   = "alarm"
        x      = 0
        y      = 0
        width  = 24
        height = 4
        properties = {
          title = "Is it working?"
          alarms = [
            for key in [
              "Errors", "Throttles", "ClientErrors", "Settings", "PolicyErrors", "Failed", "Sweeps", "OldestWait", "Probe", "Probes", "CallsLeft", "Events",
            ] : aws_cloudwatch_metric_alarm.alarm[key].arn
          ]
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 4
        width  = 8
        height = 6
        properties = {
          title   = "Decisions by outcome"
          region  = data.aws_region.current.id
          view    = "timeSeries"
          stacked = true
          metrics = [[{ expression = "SEARCH('{${local.namespace},outcome} MetricName=\"decisions\"', 'Sum', 300)" }]]
        }
      },
      {
        type   = "metric"
        x      = 8
        y      = 4
        width  = 8
        height = 6
        properties = {
          title  = "Sweeps in five minutes, and those that were complete"
          region = data.aws_region.current.id
          view   = "timeSeries"
          period = 300
          metrics = [
            [local.namespace, "completed", { stat = "SampleCount", label = "all" }],
            [local.namespace, "completed", { stat = "Sum", label = "complete" }],
          ]
          yAxis = {
            left = { min = 0 }
          }
        }
      },
      {
        type   = "metric"
        x      = 16
        y      = 4
        width  = 8
        height = 6
        properties = {
          title   = "Time of a decision (ms)"
          region  = data.aws_region.current.id
          view    = "timeSeries"
          period  = 300
          metrics = [[local.namespace, "took_ms", { stat = "p50" }], [local.namespace, "took_ms", { stat = "p99" }]]
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 10
        width  = 8
        height = 6
        properties = {
          title   = "What waits: the oldest undecided request (s)"
          region  = data.aws_region.current.id
          view    = "timeSeries"
          stat    = "Maximum"
          period  = 300
          metrics = [[local.namespace, "oldest_wait_seconds"]]
          annotations = {
            horizontal = [{ label = "alarm", value = 900 }]
          }
        }
      },
      {
        type   = "metric"
        x      = 8
        y      = 10
        width  = 8
        height = 6
        properties = {
          title   = "What was rejected or waits, by the first check that did not pass"
          region  = data.aws_region.current.id
          view    = "timeSeries"
          stacked = true
          metrics = [
            [
              { expression = "SEARCH('{${local.namespace},outcome,check} MetricName=\"decisions\" outcome=\"rejected\"', 'Sum', 3600)" },
            ],
            [
              { expression = "SEARCH('{${local.namespace},outcome,check} MetricName=\"decisions\" outcome=\"deferred\"', 'Sum', 3600)" },
            ],
          ]
        }
      },
      {
        type   = "metric"
        x      = 16
        y      = 10
        width  = 8
        height = 6
        properties = {
          title  = "GitHub's limit: calls made, and the fewest that an installation has left"
          region = data.aws_region.current.id
          view   = "timeSeries"
          period = 300
          metrics = [
            [local.namespace, "github_calls", { stat = "Sum" }],
            [local.namespace, "github_calls_left", { stat = "Minimum", yAxis = "right" }],
          ]
        }
      },
      {
        type   = "log"
        x      = 0
        y      = 16
        width  = 24
        height = 8
        properties = {
          title  = "What was rejected, waits or failed"
          region = data.aws_region.current.id
          view   = "table"
          query  = "SOURCE '${aws_cloudwatch_log_group.function.name}' | fields @timestamp, outcome, repository, environment, run_id, reason | filter target = 'environment_gate::decision' and outcome in ['rejected', 'deferred', 'failed'] | sort @timestamp desc | limit 50"
        }
      },
    ]
  })
}
