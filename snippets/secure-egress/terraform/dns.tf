# --8<-- [start:dns]
resource "cloudflare_zero_trust_gateway_policy" "dns_feed" {
  account_id = var.account_id
  name       = "DNS: domains of the feed"
  action     = "block"
  filters    = ["dns"]
  precedence = 1000
  enabled    = true
  traffic = format(
    "any(dns.domains[*] in $%s)",
    cloudflare_zero_trust_list.blocked.id
  )
}

resource "cloudflare_zero_trust_gateway_policy" "dns_threats" {
  account_id = var.account_id
  name       = "DNS: security threats"
  action     = "block"
  filters    = ["dns"]
  precedence = 2000
  enabled    = true
  # Command and control, cryptomining, malware, phishing, spyware,
  # DNS tunneling, generated names, look-alikes.
  traffic = "any(dns.security_category[*] in {80 83 117 131 153 175 176 178})"
}
# --8<-- [end:dns]
