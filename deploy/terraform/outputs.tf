output "webhook_url" {
  description = "The webhook URL for the GitHub App."
  value       = "${aws_apigatewayv2_api.http.api_endpoint}/github/webhook"
}

output "health_url" {
  description = "Answers 200 once the function has read its settings."
  value       = "${aws_apigatewayv2_api.http.api_endpoint}/health"
}

output "function_name" {
  description = "The name of the Lambda function."
  value       = aws_lambda_function.function.function_name
}

output "log_group_name" {
  description = "The log group, with one line for each decision."
  value       = aws_cloudwatch_log_group.function.name
}
