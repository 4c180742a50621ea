# Saved queries of the log, in a folder named after the function: those of queries/. A key is what template.yaml calls the query, without `Query`.
resource "aws_cloudwatch_query_definition" "query" {
  for_each = {
    WhoApprovedWhat    = "who-approved-what"
    ApprovalsUsed      = "approvals-used"
    RefusedAndWhy      = "refused-and-why"
    PoliciesThatDenied = "policies-that-denied"
    WaitingAndWhy      = "waiting-and-why"
    OneRun             = "one-run"
    AfterAPolicy       = "after-a-policy"
    CallsToGithub      = "calls-to-github"
  }

  name            = "${var.name}/${each.value}"
  log_group_names = [aws_cloudwatch_log_group.function.name]
  query_string    = file("${path.module}/../../queries/${each.value}.logs-insights")
}
