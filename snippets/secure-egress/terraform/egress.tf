# --8<-- [start:egress]
resource "cloudflare_zero_trust_gateway_policy" "egress_partners" {
  account_id = var.account_id
  name       = "Egress: our own address for partners"
  action     = "egress"
  filters    = ["egress"]
  precedence = 1000
  enabled    = true
  traffic = format(
    "any(net.fqdn.domains[*] in $%s)",
    cloudflare_zero_trust_list.partners.id
  )
  rule_settings = {
    egress = { ipv4 = var.egress_ipv4, ipv6 = "2001:db8::/32" }
  }
}
# --8<-- [end:egress]
