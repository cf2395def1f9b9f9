# --8<-- [start:network]
resource "cloudflare_zero_trust_gateway_policy" "network_mail" {
  account_id = var.account_id
  name       = "Network: no mail past the mail server"
  action     = "block"
  filters    = ["l4"]
  precedence = 1000
  enabled    = true
  traffic    = "net.dst.port in {25 465 587}"
}

# The web and names only, to the Internet and to private networks. A bare address on port
# 443 passes.
resource "cloudflare_zero_trust_gateway_policy" "network_ports" {
  account_id = var.account_id
  name       = "Network: web and DNS only"
  action     = "block"
  filters    = ["l4"]
  precedence = 2000
  enabled    = true
  traffic    = "not(net.dst.port in {53 80 443 853})"
}
# --8<-- [end:network]
