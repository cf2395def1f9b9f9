terraform {
  required_version = ">= 1.9"
  required_providers {
    cloudflare = { source = "cloudflare/cloudflare", version = "~> 5.14" }
  }
}

variable "account_id" { type = string }
variable "zone_id" { type = string }

variable "zone" {
  description = "The zone's name, such as example.com."
  type        = string
}

variable "hostname" {
  description = "What visitors type, such as www.example.com."
  type        = string
}

variable "interval" {
  description = "Seconds between two probes; what is allowed depends on your plan."
  type        = number
  default     = 60
}

# --8<-- [start:sites]
variable "sites" {
  description = "Where the sites are; the data center is the name of its tunnel."
  type = map(object({
    address   = string
    latitude  = number
    longitude = number
  }))
  default = {
    aws = { address = "aws.example.com", latitude = 50.1, longitude = 8.7 }
    gcp = { address = "gcp.example.com", latitude = 50.4, longitude = 3.8 }
    dc = {
      address   = "00000000-0000-0000-0000-000000000000.cfargotunnel.com"
      latitude  = 52.5
      longitude = 13.4
    }
  }
}
# --8<-- [end:sites]
