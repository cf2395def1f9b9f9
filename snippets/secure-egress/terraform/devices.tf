# --8<-- [start:decrypt]
variable "decrypt" {
  description = "True only once every device trusts the root certificate."
  type        = bool
  default     = false
}

resource "cloudflare_zero_trust_gateway_settings" "account" {
  account_id = var.account_id
  settings = {
    activity_log       = { enabled = true }
    protocol_detection = { enabled = true }
    tls_decrypt        = { enabled = var.decrypt }
    antivirus = {
      enabled_download_phase = var.decrypt
      enabled_upload_phase   = var.decrypt
      fail_closed            = false
    }
  }
}
# --8<-- [end:decrypt]

# --8<-- [start:devices]
resource "cloudflare_zero_trust_device_posture_rule" "disk" {
  account_id = var.account_id
  name       = "Disk encrypted, Windows"
  type       = "disk_encryption"
  schedule   = "5m"
  match      = [{ platform = "windows" }]
  input      = { require_all = true }
}

resource "cloudflare_zero_trust_device_posture_rule" "disk_mac" {
  account_id = var.account_id
  name       = "Disk encrypted, Mac"
  type       = "disk_encryption"
  schedule   = "5m"
  match      = [{ platform = "mac" }]
  input      = { require_all = true }
}

# For devices without the client: people sign in through Access, so that rules know them.
resource "cloudflare_zero_trust_gateway_proxy_endpoint" "people" {
  account_id = var.account_id
  name       = "people without the client"
  kind       = "identity"
}

# For an office router: DNS policies only.
resource "cloudflare_zero_trust_dns_location" "office" {
  account_id = var.account_id
  name       = "office"
  networks   = [{ network = "203.0.113.7/32" }]
}
# --8<-- [end:devices]
