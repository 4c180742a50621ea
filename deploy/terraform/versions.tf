terraform {
  # `startswith`, and optional attributes with defaults.
  required_version = ">= 1.3"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # The first with `logging_config` of a function.
      version = ">= 5.32, < 7.0"
    }
  }
}
