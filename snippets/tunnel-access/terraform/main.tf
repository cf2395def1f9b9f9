terraform {
  required_version = ">= 1.9"
  required_providers {
    cloudflare = { source = "cloudflare/cloudflare", version = "~> 5.14" }
  }
}

variable "account_id" { type = string }
variable "zone_id" { type = string }

variable "developers" {
  description = "Who may sign in to the build servers, by e-mail address."
  type        = list(string)
}

variable "zone_is_private" {
  description = "True denies every hostname without an application of its own. False if one of them serves the public."
  type        = bool
}

variable "staff_domain" {
  type    = string
  default = "example.com"
}

# --8<-- [start:tunnel]
resource "cloudflare_zero_trust_tunnel_cloudflared" "office" {
  account_id = var.account_id
  name       = "office"
  config_src = "local" # the rules stand in config.yml, beside the services
}

resource "cloudflare_dns_record" "published" {
  for_each = toset(["wiki", "git", "*.staging"])
  zone_id  = var.zone_id
  name     = "${each.key}.example.com"
  type     = "CNAME"
  content  = "${cloudflare_zero_trust_tunnel_cloudflared.office.id}.cfargotunnel.com"
  proxied  = true
  ttl      = 1
  # No hostname is open before its application is there.
  depends_on = [
    cloudflare_zero_trust_access_application.wiki,
    cloudflare_zero_trust_access_application.git_and_staging,
  ]
}
# --8<-- [end:tunnel]

# --8<-- [start:policies]
resource "cloudflare_zero_trust_access_policy" "staff" {
  account_id       = var.account_id
  name             = "Staff"
  decision         = "allow"
  session_duration = "10h"
  include          = [{ email_domain = { domain = var.staff_domain } }]
}

resource "cloudflare_zero_trust_access_service_token" "backup" {
  account_id = var.account_id
  name       = "backup"
  duration   = "8760h"
  # To rotate: raise the version. The old secret lives until all programs have the new one.
  client_secret_version             = 1
  previous_client_secret_expires_at = "2026-12-31T00:00:00Z"
}

resource "cloudflare_zero_trust_access_policy" "backup" {
  account_id = var.account_id
  name       = "Backup program"
  decision   = "non_identity"
  include = [{
    service_token = { token_id = cloudflare_zero_trust_access_service_token.backup.id }
  }]
}

resource "cloudflare_zero_trust_access_policy" "nobody" {
  account_id = var.account_id
  name       = "Nobody"
  decision   = "deny"
  include    = [{ everyone = {} }]
}
# --8<-- [end:policies]

# --8<-- [start:applications]
resource "cloudflare_zero_trust_access_application" "wiki" {
  account_id       = var.account_id
  name             = "Wiki"
  type             = "self_hosted"
  session_duration = "10h"
  destinations     = [{ type = "public", uri = "wiki.example.com" }]
  policies = [
    { id = cloudflare_zero_trust_access_policy.backup.id, precedence = 1 },
    { id = cloudflare_zero_trust_access_policy.staff.id, precedence = 2 },
  ]
}

resource "cloudflare_zero_trust_access_application" "git_and_staging" {
  account_id = var.account_id
  name       = "Git and staging"
  type       = "self_hosted"
  destinations = [
    { type = "public", uri = "git.example.com" },
    { type = "public", uri = "*.staging.example.com" },
  ]
  policies = [{ id = cloudflare_zero_trust_access_policy.staff.id, precedence = 1 }]
}

# A hostname that somebody publishes and forgets is closed, not open. So is a public website
# in this zone.
resource "cloudflare_zero_trust_access_application" "everything_else" {
  count        = var.zone_is_private ? 1 : 0
  account_id   = var.account_id
  name         = "Everything without an application of its own"
  type         = "self_hosted"
  destinations = [{ type = "public", uri = "*.example.com" }]
  policies     = [{ id = cloudflare_zero_trust_access_policy.nobody.id, precedence = 1 }]
}
# --8<-- [end:applications]
