# --8<-- [start:balancer]
resource "cloudflare_load_balancer" "shop" {
  zone_id         = var.zone_id
  name            = var.hostname
  proxied         = true
  steering_policy = "proximity"
  default_pools   = [for site in ["aws", "gcp"] : cloudflare_load_balancer_pool.site[site].id]
  fallback_pool   = cloudflare_load_balancer_pool.site["dc"].id

  session_affinity     = "cookie"
  session_affinity_ttl = 1800
  session_affinity_attributes = {
    samesite               = "Lax"
    secure                 = "Always"
    drain_duration         = 300
    zero_downtime_failover = "temporary"
  }

  # One endpoint in each pool: without this the edge has nowhere to repeat a request.
  adaptive_routing = { failover_across_pools = true }
}
# --8<-- [end:balancer]
