variable "client_certificate" {
  description = "A leaf that your own authority signed, PEM."
  type        = string
}

variable "client_key" {
  description = "Its key. It stands in Terraform's state: encrypt the state and limit who reads it."
  type        = string
  sensitive   = true
}

# --8<-- [start:lock]
resource "cloudflare_authenticated_origin_pulls_certificate" "zone" {
  zone_id     = var.zone_id
  certificate = var.client_certificate
  private_key = var.client_key
}

resource "cloudflare_authenticated_origin_pulls_settings" "zone" {
  zone_id    = var.zone_id
  enabled    = true
  depends_on = [cloudflare_authenticated_origin_pulls_certificate.zone]
}
# --8<-- [end:lock]
