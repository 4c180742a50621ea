# The parameters of template.yaml, where comments say why each is as it is; a test compares the two. After them, what only this module needs.

variable "app_id_parameter" {
  type        = string
  nullable    = false
  description = "SSM parameter with the App's id or client id, such as /environment-gate/app-id."

  validation {
    condition     = can(regex("^(/[A-Za-z0-9_.-]+){1,15}$", var.app_id_parameter))
    error_message = "It must be the name of an SSM parameter that begins with a slash, without a version or label."
  }
}

variable "webhook_secret_parameter" {
  type        = string
  nullable    = false
  description = "SSM SecureString with the webhook secret (16 to 256 printable ASCII characters); during a rotation, two secrets, one per line."

  validation {
    condition     = can(regex("^(/[A-Za-z0-9_.-]+){1,15}$", var.webhook_secret_parameter))
    error_message = "It must be the name of an SSM parameter that begins with a slash, without a version or label."
  }
}

variable "policy_parameter" {
  type        = string
  nullable    = false
  description = "SSM parameter with the policy in TOML."

  validation {
    condition     = can(regex("^(/[A-Za-z0-9_.-]+){1,15}$", var.policy_parameter))
    error_message = "It must be the name of an SSM parameter that begins with a slash, without a version or label."
  }
}

variable "policies_path" {
  type        = string
  nullable    = false
  default     = ""
  description = "SSM path under which the policies in Rego lie, such as /environment-gate/policies/; empty for none."

  validation {
    condition     = can(regex("^((/[A-Za-z0-9_.-]+){1,14}/)?$", var.policies_path))
    error_message = "It must be empty, or a path that begins and ends with a slash."
  }
}

variable "private_key_secret" {
  type        = string
  nullable    = false
  default     = ""
  description = "Secrets Manager secret with the App's private key in PEM, by name or by full ARN; empty if the key is in KMS."

  validation {
    condition     = can(regex("^([A-Za-z0-9/_+=.@-]{0,512}|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]{1,512}-[A-Za-z0-9]{6})$", var.private_key_secret))
    error_message = "It must be empty, or the name of a secret, or its full ARN including the six characters that AWS added."
  }
}

variable "private_key_kms_key_arn" {
  type        = string
  nullable    = false
  default     = ""
  description = "KMS key that signs with the App's private key, in the place of PrivateKeySecret; empty if the key is a secret."

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)?$", var.private_key_kms_key_arn))
    error_message = "It must be empty, or the ARN of a KMS key (not of an alias)."
  }
}

variable "parameters_key_arn" {
  type        = string
  nullable    = false
  default     = ""
  description = "Customer managed KMS key of the SecureStrings; empty for the AWS managed key."

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)?$", var.parameters_key_arn))
    error_message = "It must be empty, or the ARN of a KMS key (not of an alias)."
  }
}

variable "secret_key_arn" {
  type        = string
  nullable    = false
  default     = ""
  description = "Customer managed KMS key of the private key's secret; empty for the AWS managed key."

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)?$", var.secret_key_arn))
    error_message = "It must be empty, or the ARN of a KMS key (not of an alias)."
  }
}

variable "log_key_arn" {
  type        = string
  nullable    = false
  default     = ""
  description = "Customer managed KMS key of the logs, whose policy lets CloudWatch Logs use it; empty for the key of CloudWatch Logs."

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)?$", var.log_key_arn))
    error_message = "It must be empty, or the ARN of a KMS key (not of an alias)."
  }
}

variable "permissions_boundary_arn" {
  type        = string
  nullable    = false
  default     = ""
  description = "Permissions boundary of the function's role, such as that of deploy/role.yaml; empty for none."

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9/_+=,.@-]+)?$", var.permissions_boundary_arn))
    error_message = "It must be empty, or the ARN of a managed policy."
  }
}

variable "github_api_url" {
  type        = string
  nullable    = false
  default     = "https://api.github.com"
  description = "Base URL of GitHub's REST API; on an enterprise server it has a path, such as https://ghe.example.com/api/v3."

  validation {
    condition     = can(regex("^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9_.-]+)*/?$", var.github_api_url))
    error_message = "It must be an https URL without user, query or fragment."
  }
}

variable "oidc_issuer" {
  type        = string
  nullable    = false
  default     = ""
  description = "For signed runs, the provider of jobs' tokens if an enterprise has its own; empty for GitHub's."

  validation {
    condition     = can(regex("^(https://[A-Za-z0-9.-]+(/[A-Za-z0-9_.-]+)*)?$", var.oidc_issuer))
    error_message = "It must be empty, or an https URL without user, port, query or fragment."
  }
}

variable "artifact_hosts" {
  type        = string
  nullable    = false
  default     = ""
  description = "For signed runs, further hosts that artifacts may be read from, separated by commas; empty for those of GitHub Actions."

  validation {
    condition     = can(regex("^([A-Za-z0-9.-]+(,[A-Za-z0-9.-]+)*)?$", var.artifact_hosts))
    error_message = "It must be empty, or names of hosts separated by commas."
  }
}

variable "event_bus_name" {
  type        = string
  nullable    = false
  default     = ""
  description = "EventBridge bus that gets an event for each decision, by name (such as default) or by ARN; empty for none."

  validation {
    condition     = can(regex("^((arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/)?[A-Za-z0-9/_.-]{1,256})?$", var.event_bus_name))
    error_message = "It must be empty, or the name or the ARN of an event bus."
  }
}

variable "architecture" {
  type        = string
  nullable    = false
  default     = "arm64"
  description = "Processor architecture of the function; build and deploy with the same value."

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "It must be arm64 or x86_64."
  }
}

variable "memory_size" {
  type        = number
  nullable    = false
  default     = 256
  description = "Memory of the function in MB."

  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240 && floor(var.memory_size) == var.memory_size
    error_message = "It must be from 128 to 10240."
  }
}

variable "reserved_concurrency" {
  type        = number
  nullable    = false
  default     = -1
  description = "Concurrent executions reserved for the function, which are also its maximum; 20 where the account has 120 or more, -1 reserves none, 0 stops the function."

  validation {
    condition     = var.reserved_concurrency >= -1 && var.reserved_concurrency <= 1000 && floor(var.reserved_concurrency) == var.reserved_concurrency
    error_message = "It must be from -1 to 1000."
  }
}

variable "log_level" {
  type        = string
  nullable    = false
  default     = "info"
  description = "RUST_LOG of the function. At warn or error, approvals and rejections are not logged, and the alarms Sweeps and Probes go off."

  validation {
    condition     = can(regex("^(error|warn|info|debug|trace)(,[a-z0-9_]+(::[a-z0-9_]+)*=(error|warn|info|debug|trace))*$", var.log_level))
    error_message = "It must be a level, optionally followed by modules with levels, such as info,environment_gate::github=debug."
  }
}

variable "log_retention_days" {
  type        = number
  nullable    = false
  default     = 365
  description = "How many days log lines are kept, decisions included."

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "It must be a number of days that CloudWatch Logs offers."
  }
}

variable "access_logs" {
  type        = string
  nullable    = false
  default     = "off"
  description = "Whether the HTTP API writes an access log."

  validation {
    condition     = contains(["on", "off"], var.access_logs)
    error_message = "It must be on or off."
  }
}

variable "tracing" {
  type        = string
  nullable    = false
  default     = "off"
  description = "Whether the function writes X-Ray traces."

  validation {
    condition     = contains(["on", "off"], var.tracing)
    error_message = "It must be on or off."
  }
}

variable "dashboard" {
  type        = string
  nullable    = false
  default     = "on"
  description = "Whether there is a CloudWatch dashboard."

  validation {
    condition     = contains(["on", "off"], var.dashboard)
    error_message = "It must be on or off."
  }
}

variable "alarm_topic_arn" {
  type        = string
  nullable    = false
  default     = ""
  description = "SNS topic that the alarms notify; empty for alarms without notifications."

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256})?$", var.alarm_topic_arn))
    error_message = "It must be empty, or the ARN of a standard SNS topic."
  }
}


variable "name" {
  type        = string
  nullable    = false
  default     = "environment-gate"
  description = "What the function is called, with what the names of everything else begin, and the end of the metrics' namespace; two deployments in one region need two."

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,31}$", var.name))
    error_message = "It must begin with a letter, and have at most 32 letters, digits and hyphens."
  }
}

variable "package" {
  type = object({
    path           = optional(string)
    bucket         = optional(string)
    key            = optional(string)
    object_version = optional(string)
  })
  nullable    = false
  description = "The zip of a release for the architecture: the path of a file, or bucket, key and version of an object in S3."

  validation {
    condition     = (var.package.path == null) != (var.package.bucket == null || var.package.key == null)
    error_message = "It must have either the path of a file, or the bucket and key of an object."
  }
}
