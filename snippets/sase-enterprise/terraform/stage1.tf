# Stage 1: private applications instead of the VPN.

# --8<-- [start:routes]
resource "cloudflare_zero_trust_tunnel_cloudflared" "site" {
  for_each   = local.tunnel_sites
  account_id = var.account_id
  name       = each.key
  config_src = "cloudflare"
}

resource "cloudflare_zero_trust_tunnel_cloudflared_route" "range" {
  for_each   = local.routes
  account_id = var.account_id
  tunnel_id  = cloudflare_zero_trust_tunnel_cloudflared.site[each.value.site].id
  network    = each.value.network
  comment    = "from the worksheet"
}
# --8<-- [end:routes]

resource "cloudflare_zero_trust_device_posture_rule" "disk" {
  for_each   = toset(["windows", "mac"])
  account_id = var.account_id
  name       = "Disk encrypted, ${each.key}"
  type       = "disk_encryption"
  schedule   = "5m"
  match      = [{ platform = each.key }]
  input      = { require_all = true }
}

# --8<-- [start:access]
resource "cloudflare_zero_trust_access_policy" "group" {
  for_each         = toset(flatten([for a in local.stage1_apps : a.groups]))
  account_id       = var.account_id
  name             = "People in ${each.key}, encrypted disk"
  decision         = "allow"
  session_duration = "10h"
  include = [{
    azure_ad = { id = var.groups[each.key], identity_provider_id = var.identity_provider_id }
  }]
  # One of the two platforms; "require" with two entries would ask for both.
  require = [{ group = { id = cloudflare_zero_trust_access_group.encrypted.id } }]
}

resource "cloudflare_zero_trust_access_group" "encrypted" {
  account_id = var.account_id
  name       = "Encrypted disk"
  include = [
    for rule in cloudflare_zero_trust_device_posture_rule.disk :
    { device_posture = { integration_uid = rule.id } }
  ]
}

resource "cloudflare_zero_trust_access_application" "private" {
  for_each   = local.stage1_apps
  account_id = var.account_id
  name       = each.key
  type       = "self_hosted"
  destinations = [{
    type        = "private"
    cidr        = "${each.value.address}/32"
    port_range  = tostring(each.value.port)
    l4_protocol = "tcp"
  }]
  policies = [
    for position, group in each.value.groups :
    { id = cloudflare_zero_trust_access_policy.group[group].id, precedence = position + 1 }
  ]
}
# --8<-- [end:access]

# --8<-- [start:deny]
# A pass of this rule does not open an application: Access still decides.
resource "cloudflare_zero_trust_gateway_policy" "named_applications" {
  account_id = var.account_id
  name       = "Private: applications of the worksheet"
  action     = "allow"
  filters    = ["l4"]
  precedence = 1000
  enabled    = true
  traffic = join(" or ", [
    for a in local.stage1_apps :
    "(net.dst.ip == ${a.address} and net.dst.port == ${a.port})"
  ])
}

resource "cloudflare_zero_trust_gateway_policy" "rest_of_private" {
  account_id = var.account_id
  name       = "Private: everything else"
  action     = "block"
  filters    = ["l4"]
  precedence = 9000
  enabled    = true
  traffic = join(" or ", [for r in local.routes : "net.dst.ip in {${r.network}}"])
}
# --8<-- [end:deny]
