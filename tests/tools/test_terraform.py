"""What Terraform would refuse is found without Terraform, with file and line."""

from pathlib import Path

import pytest

from tools.terraform import __main__ as terraform
from tools.terraform import schema as terraform_schema
from tools.terraform.__main__ import TerraformError, check

HEAD = """terraform {
  required_providers {
    cloudflare = { source = "cloudflare/cloudflare", version = "~> 5.14" }
  }
}
"""
RIGHT = """
variable "zone_id" { type = string }
variable "account_id" { type = string }
variable "origins" { type = map(string) }
locals {
  hosts = ["www", "api"]
  rules = { for h in local.hosts : h => "http.host eq \\"${h}\\"" }
}
data "cloudflare_ip_ranges" "edge" {}
resource "cloudflare_dns_record" "web" {
  for_each = toset(local.hosts)
  zone_id  = var.zone_id
  name     = each.key
  type     = "A"
  content  = "192.0.2.1"
  ttl      = 1
  proxied  = each.key == "www" ? true : false
  settings = { ipv4_only = true }
  tags     = [for h in local.hosts : "host:${h}"]
  lifecycle {
    prevent_destroy = true
  }
}
resource "cloudflare_load_balancer_pool" "pool" {
  account_id = var.account_id
  name       = "pool"
  origins    = [for name, address in var.origins : { name = name, address = address, weight = 1 }]
}
resource "cloudflare_zone_setting" "ssl" {
  zone_id    = var.zone_id
  setting_id = "ssl"
  value      = "strict" # the provider takes anything here
}
output "hostname" { value = cloudflare_dns_record.web["www"].name }
output "ranges" { value = data.cloudflare_ip_ranges.edge.ipv4_cidrs }
"""


def record(extra: str, **changed: str) -> str:
    """Return one DNS record; its extra line is the file's line 11."""
    values = {"zone_id": '"z"', "name": '"www"', "type": '"A"', "ttl": "1", **changed}
    lines = [f"  {name} = {value}" for name, value in values.items()]
    return "\n".join(['resource "cloudflare_dns_record" "web" {', *lines, f"  {extra}", "}", ""])


def pool(origins: str) -> str:
    return f'resource "cloudflare_load_balancer_pool" "p" {{\n  account_id = "a"\n  name = "p"\n  origins = {origins}\n}}\n'


def problems(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "main.tf").write_text(HEAD + text)
    return list(map(str, check(tmp_path, tmp_path)))


def test_a_right_configuration_passes(tmp_path: Path):
    assert problems(tmp_path, RIGHT) == []


def test_several_files_of_a_folder_are_one_configuration(tmp_path: Path):
    (tmp_path / "variables.tf").write_text('variable "zone_id" { type = string }\n')
    assert problems(tmp_path, record("", zone_id="var.zone_id")) == []


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('resource "cloudflare_dns_recrod" "w" {}', 6, "did you mean 'cloudflare_dns_record'"),
        ('data "cloudflare_nonsense" "w" {}', 6, "has no 'data.cloudflare_nonsense'"),
        ('resource "aws_instance" "w" {}', 6, "has no 'aws_instance'"),
        ("resorce {}", 6, "unknown block 'resorce'"),
        (record('contnet = "192.0.2.1"'), 11, "did you mean 'content'"),
        (record('value = "192.0.2.1"'), 11, "has no 'value'"),
        (record("", ttl="null").replace("  ttl = null\n", ""), 6, "needs 'ttl'"),
        (record("", ttl='"1"'), 10, "takes a number, this is a string"),
        (record("", ttl="(true)"), 10, "takes a number, this is true or false"),
        (record("", type='"AA"'), 9, "takes one of A, AAAA, CNAME"),
        (record('proxied = "true"'), 11, "takes true or false, this is a string"),
        (record('proxied = var.x == 1 ? true : "no"\n}\nvariable "x" {'), 11, "takes true or false, this is a string"),
        (record("tags = { a = 1 }"), 11, "takes a list [ … ], this is an object"),
        (record('tags = ["a", 1]'), 11, "an item of cloudflare_dns_record: 'tags' takes a string, this is a number"),
        (record("data = { flags = 1\n  nope = 2 }"), 12, "'data' has no 'nope'"),
        (record("data = [{ flags = 1 }]"), 11, "version 4 wrote a list here"),
        (record("data {\n    flags = 1\n  }"), 11, "write 'data = { … }'"),
        (record('dynamic "data" {\n    for_each = []\n    content {}\n  }'), 11, "write 'data = [for … : { … }]'"),
        (record("datum {}"), 11, "has no 'datum'"),
        (record('name = "again"'), 11, "'name' stands here twice"),
        (record("", zone_id="var.zone"), 7, "'var.zone' is declared nowhere"),
        (record('comment = "for ${local.who}"'), 11, "'local.who' is declared nowhere"),
        (record("comment = cloudflare_zone.main.id"), 11, "'cloudflare_zone.main' is declared nowhere"),
        (record("comment = data.cloudflare_zone.main.id"), 11, "'data.cloudflare_zone.main' is declared nowhere"),
        (pool('[{ name = "a", adress = "192.0.2.1" }]'), 9, "did you mean 'address'"),
        (pool('[{ name = "a", header = { host = "h" } }]'), 9, "'header': 'host' takes a list"),
        (pool('[for o in [] : { name = "a", weight = "1" }]'), 9, "'weight' takes a number"),
        (pool("[]").replace("origins = []", "origins {\n    name = 1\n  }"), 9, "write 'origins = [{ … }]'"),
        (pool("[]").replace("origins = []\n", ""), 6, "needs 'origins'"),
    ],
)
def test_what_terraform_refuses_is_named_with_its_line(tmp_path: Path, text: str, line: int, message: str):
    found = problems(tmp_path, text)
    assert len(found) == 1, found
    assert found[0].startswith(f"main.tf:{line}: ") and message in found[0]


@pytest.mark.parametrize("version", ['"~> 4.52"', '">= 5.0"', '"5.14.0"'])
def test_the_major_version_of_the_provider_is_pinned(tmp_path: Path, version: str):
    (tmp_path / "main.tf").write_text(HEAD.replace('"~> 5.14"', version))
    assert [str(p) for p in check(tmp_path, tmp_path)] == [
        'main.tf:3: pin the provider\'s major version: version = "~> 5.…"'
    ]


@pytest.mark.parametrize("text", ["resource {", 'resource "a" "b" { x = }', "x = [1,\n"])
def test_a_file_that_is_not_hcl_is_named_with_its_line(tmp_path: Path, text: str):
    with pytest.raises(TerraformError, match=r"main\.tf:\d+: not HCL"):
        problems(tmp_path, text)


def test_a_folder_without_files_is_an_error_and_not_a_pass(tmp_path: Path):
    with pytest.raises(TerraformError, match=r"holds no \.tf file"):
        check(tmp_path)


def test_the_schema_holds_the_whole_provider():
    names = terraform_schema.names()
    assert len(names) >= 500
    for name in names:
        assert terraform_schema.arguments(name) is not None
    assert sum(1 for name in names if terraform_schema.arguments(name)) >= 500


def test_the_command_names_what_is_wrong_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    (tmp_path / "main.tf").write_text(HEAD + record("nope = 1"))
    monkeypatch.setattr("sys.argv", ["terraform", str(tmp_path)])
    assert terraform.main() == 1
    assert "main.tf:11: cloudflare_dns_record has no 'nope'" in capsys.readouterr().out
    (tmp_path / "main.tf").write_text(HEAD + record(""))
    assert terraform.main() == 0
