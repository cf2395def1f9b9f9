# Stage 2: Gateway instead of the web proxy. Nothing is decrypted before var.decrypt is true.

# --8<-- [start:decrypt]
resource "cloudflare_zero_trust_gateway_certificate" "root" {
  account_id           = var.account_id
  activate             = true
  validity_period_days = 1826
}

resource "cloudflare_zero_trust_gateway_settings" "account" {
  account_id = var.account_id
  settings = {
    activity_log       = { enabled = true }
    protocol_detection = { enabled = true }
    tls_decrypt        = { enabled = var.decrypt }
    certificate        = { id = cloudflare_zero_trust_gateway_certificate.root.id }
    antivirus = {
      enabled_download_phase = var.decrypt
      enabled_upload_phase   = false
      fail_closed            = false
    }
  }
}
# --8<-- [end:decrypt]

# --8<-- [start:policies]
resource "cloudflare_zero_trust_list" "not_inspected" {
  account_id  = var.account_id
  name        = "Not inspected"
  description = "DLP and antivirus do not see these: each has a reason and an owner."
  type        = "DOMAIN"
  items = [
    { value = "bank.example", description = "Pinned certificate. Owner: finance-it" },
    { value = "health.example", description = "Health data of staff. Owner: hr-it" },
  ]
}

resource "cloudflare_zero_trust_gateway_policy" "threats" {
  account_id = var.account_id
  name       = "DNS: security threats"
  action     = "block"
  filters    = ["dns"]
  precedence = 1000
  enabled    = true
  # Command and control, cryptomining, malware, phishing, spyware,
  # DNS tunneling, generated names, look-alikes.
  traffic = "any(dns.security_category[*] in {80 83 117 131 153 175 176 178})"
}

resource "cloudflare_zero_trust_gateway_policy" "do_not_inspect" {
  account_id = var.account_id
  name       = "HTTP: do not inspect"
  action     = "off"
  filters    = ["http"]
  precedence = 1000
  enabled    = true
  traffic = format(
    "any(http.conn.domains[*] in $%s)",
    cloudflare_zero_trust_list.not_inspected.id
  )
}

resource "cloudflare_zero_trust_gateway_policy" "programs" {
  account_id = var.account_id
  name       = "HTTP: programs come from the software portal only"
  action     = "block"
  filters    = ["http"]
  precedence = 2000
  enabled    = true
  traffic = join(" and ", [
    "any(http.download.file.types[*] in {\"exe\" \"msi\"})",
    "not(http.request.host == \"software.example.com\")",
  ])
}
# --8<-- [end:policies]
