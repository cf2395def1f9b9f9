# --8<-- [start:lists]
# blocklist.py keeps the items in step with the feed; Terraform owns the list.
resource "cloudflare_zero_trust_list" "blocked" {
  account_id  = var.account_id
  name        = "blocked domains"
  description = "From the feed, by blocklist.py"
  type        = "DOMAIN"
  lifecycle {
    ignore_changes = [items]
  }
}

resource "cloudflare_zero_trust_list" "not_inspected" {
  account_id  = var.account_id
  name        = "not inspected"
  description = "No DLP, no virus scan: each entry has a reason, an owner and a date"
  type        = "DOMAIN"
  items = [
    {
      value       = "bank.example"
      description = "Private banking. Owner: works council. Review: 2027-06"
    },
    {
      value       = "clinic.example"
      description = "Health data. Owner: works council. Review: 2027-06"
    },
    {
      value       = "updates.example"
      description = "Pinned certificate. Owner: client team. Review: 2027-01"
    },
  ]
}

resource "cloudflare_zero_trust_list" "ai_assistants" {
  account_id = var.account_id
  name       = "AI assistants"
  type       = "DOMAIN"
  items      = [{ value = "assistant.example" }, { value = "chat.example" }]
}

resource "cloudflare_zero_trust_list" "partners" {
  account_id = var.account_id
  name       = "partners that know our address"
  type       = "DOMAIN"
  items      = [{ value = "partner.example" }]
}
# --8<-- [end:lists]
