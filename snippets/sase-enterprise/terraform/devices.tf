# --8<-- [start:profiles]
resource "cloudflare_zero_trust_device_default_profile" "everybody" {
  account_id        = var.account_id
  tunnel_protocol   = "masque"
  switch_locked     = true
  allowed_to_leave  = false
  allow_mode_switch = false
  auto_connect      = 0
  captive_portal    = 180
  # What stands here never reaches Gateway. No published range may stand here:
  # check_inventory.py looks.
  exclude = [
    for e in local.worksheet.split_tunnel_exclude :
    { address = e.address, description = e.why }
  ]
}

resource "cloudflare_zero_trust_device_custom_profile" "help_desk" {
  account_id       = var.account_id
  name             = "Help desk"
  description      = "May pause the client to compare a slow line."
  match            = "any(identity.groups.id[*] in {\"${var.groups["it"]}\"})"
  precedence       = 100
  enabled          = true
  tunnel_protocol  = "masque"
  switch_locked    = false
  allowed_to_leave = false
  exclude = [
    for e in local.worksheet.split_tunnel_exclude :
    { address = e.address, description = e.why }
  ]
}
# --8<-- [end:profiles]
