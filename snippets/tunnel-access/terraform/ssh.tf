# --8<-- [start:ssh]
# No key on the server and no inbound port: Access signs a certificate for each session.
resource "cloudflare_zero_trust_access_infrastructure_target" "build" {
  account_id = var.account_id
  hostname   = "build-1"
  ip         = { ipv4 = { ip_addr = "10.20.8.5" } }
}

resource "cloudflare_zero_trust_tunnel_cloudflared_route" "build" {
  account_id = var.account_id
  tunnel_id  = cloudflare_zero_trust_tunnel_cloudflared.office.id
  network    = "10.20.8.5/32"
  comment    = "one server, not its network"
}

resource "cloudflare_zero_trust_access_application" "ssh" {
  account_id = var.account_id
  name       = "SSH to build servers"
  type       = "infrastructure"
  target_criteria = [{
    port              = 22
    protocol          = "SSH"
    target_attributes = {
      hostname = [cloudflare_zero_trust_access_infrastructure_target.build.hostname]
    }
  }]
  policies = [{
    name             = "Developers, never as root"
    decision         = "allow"
    include          = [for email in var.developers : { email = { email = email } }]
    connection_rules = { ssh = { usernames = ["deploy"], allow_email_alias = false } }
  }]
}
# --8<-- [end:ssh]
