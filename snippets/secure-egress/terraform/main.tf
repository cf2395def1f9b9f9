terraform {
  required_version = ">= 1.9"
  required_providers {
    cloudflare = { source = "cloudflare/cloudflare", version = "~> 5.14" }
  }
}

variable "account_id" { type = string }

variable "egress_ipv4" {
  description = "Your dedicated egress address; policies that name one need Enterprise."
  type        = string
}
