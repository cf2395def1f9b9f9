terraform {
  required_version = ">= 1.9"
  required_providers {
    cloudflare = { source = "cloudflare/cloudflare", version = "~> 5.14" }
  }
}

variable "account_id" { type = string }

variable "groups" {
  description = "The identity provider's group ids, by the names that the worksheet uses."
  type        = map(string)
}

variable "identity_provider_id" { type = string }

variable "decrypt" {
  description = "Stage 2: true only once the worksheet's root_certificate is everywhere."
  type        = bool
  default     = false
}

# --8<-- [start:worksheet]
locals {
  worksheet = yamldecode(file("${path.module}/../worksheet.yml"))

  tunnel_sites = { for s in local.worksheet.sites : s.name => s if s.connector == "tunnel" }
  routes = merge([
    for name, site in local.tunnel_sites :
    { for r in site.ranges : "${name} ${r.range}" => { site = name, network = r.range } }
  ]...)
  stage1_apps = { for a in local.worksheet.applications : a.name => a if a.stage == 1 }
}
# --8<-- [end:worksheet]
