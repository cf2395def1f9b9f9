terraform {
  required_version = ">= 1.9"
  required_providers {
    cloudflare = { source = "cloudflare/cloudflare", version = "~> 5.14" }
  }
}

variable "zone_id" { type = string }

variable "origin_address" { type = string }

variable "client_certificate" {
  description = "A leaf certificate of your own CA, PEM; the server trusts that CA and no other."
  type        = string
}

variable "client_key" {
  type      = string
  sensitive = true
}

# --8<-- [start:lock]
resource "cloudflare_zone_setting" "ssl" {
  zone_id    = var.zone_id
  setting_id = "ssl"
  value      = "strict"
}

resource "cloudflare_authenticated_origin_pulls_certificate" "own" {
  zone_id     = var.zone_id
  certificate = var.client_certificate
  private_key = var.client_key
}

resource "cloudflare_authenticated_origin_pulls_settings" "zone" {
  zone_id    = var.zone_id
  enabled    = true
  depends_on = [cloudflare_authenticated_origin_pulls_certificate.own]
}
# --8<-- [end:lock]

# --8<-- [start:records]
resource "cloudflare_dns_record" "web" {
  for_each = toset(["example.com", "www.example.com"])
  zone_id  = var.zone_id
  name     = each.key
  type     = "A"
  content  = var.origin_address
  proxied  = true
  ttl      = 1
  # The lock first: a proxied record without it sends visitors to a server that nobody guards.
  depends_on = [
    cloudflare_authenticated_origin_pulls_settings.zone,
    cloudflare_zone_setting.ssl,
  ]
}
# --8<-- [end:records]
