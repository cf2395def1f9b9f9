# --8<-- [start:cache]
resource "cloudflare_ruleset" "cache" {
  zone_id = var.zone_id
  name    = "Cache rules"
  kind    = "zone"
  phase   = "http_request_cache_settings"
  rules = [
    {
      ref         = "public-pages"
      description = "Public pages, ten minutes in the browser"
      expression  = "starts_with(http.request.uri.path, \"/blog/\")"
      action      = "set_cache_settings"
      action_parameters = {
        cache       = true
        edge_ttl    = { mode = "override_origin", default = 7200 }
        browser_ttl = { mode = "override_origin", default = 600 }
      }
    },
    {
      # The last rule that matches wins: whoever is signed in is never served from the cache.
      ref         = "signed-in"
      description = "Signed-in visitors and their pages: never"
      expression = join(" or ", [
        "http.cookie contains \"session=\"",
        "starts_with(lower(http.request.uri.path), \"/account\")",
        "starts_with(lower(http.request.uri.path), \"/api\")",
      ])
      action            = "set_cache_settings"
      action_parameters = { cache = false }
    },
  ]
}
# --8<-- [end:cache]

# --8<-- [start:waf]
resource "cloudflare_ruleset" "custom" {
  zone_id = var.zone_id
  name    = "Custom rules"
  kind    = "zone"
  phase   = "http_request_firewall_custom"
  rules = [
    {
      ref         = "secrets-in-paths"
      description = "Nobody asks for these but scanners"
      expression = join(" or ", [
        "lower(http.request.uri.path) contains \"/.git\"",
        "lower(http.request.uri.path) contains \"/.env\"",
      ])
      action = "block"
    },
    {
      ref         = "admin-from-office"
      description = "The admin pages are for the office's address"
      expression = join(" and ", [
        "starts_with(lower(http.request.uri.path), \"/admin\")",
        "not ip.src in {203.0.113.7}",
      ])
      action = "block"
    },
  ]
}

resource "cloudflare_ruleset" "rate" {
  zone_id = var.zone_id
  name    = "Rate limiting"
  kind    = "zone"
  phase   = "http_ratelimit"
  rules = [{
    ref         = "sign-in"
    description = "Guessing passwords"
    expression  = "starts_with(lower(http.request.uri.path), \"/sign-in\")"
    action      = "block"
    ratelimit = {
      characteristics     = ["cf.colo.id", "ip.src"]
      period              = 10
      requests_per_period = 10
      mitigation_timeout  = 10
    }
  }]
}
# --8<-- [end:waf]
