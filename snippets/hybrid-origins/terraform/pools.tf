# --8<-- [start:monitor]
resource "cloudflare_load_balancer_monitor" "health" {
  account_id       = var.account_id
  description      = "Dead or alive, with the zone's client certificate"
  type             = "https"
  method           = "GET"
  path             = "/healthz"
  header           = { Host = [var.hostname] }
  expected_codes   = "200"
  follow_redirects = false
  probe_zone       = var.zone # Simulate Zone: without it the lock refuses the probe
  interval         = var.interval
  timeout          = 5
  retries          = 2
  consecutive_down = 2
  consecutive_up   = 3
}
# --8<-- [end:monitor]

# --8<-- [start:pools]
resource "cloudflare_load_balancer_pool" "site" {
  for_each        = var.sites
  account_id      = var.account_id
  name            = "shop-${each.key}"
  monitor         = cloudflare_load_balancer_monitor.health.id
  check_regions   = ["WEU", "EEU"]
  latitude        = each.value.latitude
  longitude       = each.value.longitude
  minimum_origins = 1

  origins = [{
    name    = each.key
    address = each.value.address
    enabled = true
    weight  = 1
    header  = { host = [var.hostname] }
  }]

  notification_filter = { pool = { healthy = false } }
}
# --8<-- [end:pools]
