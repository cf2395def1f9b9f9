# --8<-- [start:http]
resource "cloudflare_zero_trust_gateway_policy" "http_not_inspected" {
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

resource "cloudflare_zero_trust_gateway_policy" "http_unencrypted_disk" {
  account_id = var.account_id
  name       = "HTTP: no uploads from a device without disk encryption"
  action     = "block"
  filters    = ["http"]
  precedence = 2000
  enabled    = true
  traffic    = "any(http.upload.file.types[*] in {\"pdf\" \"docx\" \"xlsx\" \"zip\"})"
  device_posture = format(
    "not(any(device_posture.checks.passed[*] in {\"%s\" \"%s\"}))",
    cloudflare_zero_trust_device_posture_rule.disk.id,
    cloudflare_zero_trust_device_posture_rule.disk_mac.id
  )
}

resource "cloudflare_zero_trust_gateway_policy" "http_assistant_files" {
  account_id = var.account_id
  name       = "HTTP: no files to AI assistants"
  action     = "block"
  filters    = ["http"]
  precedence = 3000
  enabled    = true
  traffic = format(
    "any(http.request.domains[*] in $%s) and any(http.upload.file.types[*] in {\"pdf\" \"docx\" \"xlsx\"})",
    cloudflare_zero_trust_list.ai_assistants.id
  )
}

resource "cloudflare_zero_trust_gateway_policy" "http_assistants" {
  account_id = var.account_id
  name       = "HTTP: AI assistants for those who were trained"
  action     = "allow"
  filters    = ["http"]
  precedence = 4000
  enabled    = true
  traffic = format(
    "any(http.request.domains[*] in $%s)",
    cloudflare_zero_trust_list.ai_assistants.id
  )
  identity   = "any(identity.groups.name[*] in {\"ai-trained\"})"
}

resource "cloudflare_zero_trust_gateway_policy" "http_assistants_rest" {
  account_id = var.account_id
  name       = "HTTP: AI assistants for nobody else"
  action     = "block"
  filters    = ["http"]
  precedence = 5000
  enabled    = true
  traffic = format(
    "any(http.request.domains[*] in $%s)",
    cloudflare_zero_trust_list.ai_assistants.id
  )
  rule_settings = {
    block_page = { target_uri = "https://intranet.example.com/ai-training" }
  }
}
# --8<-- [end:http]
