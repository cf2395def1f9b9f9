"""What a product's page says is taken from the pattern pages, and from nowhere else."""

import re

import pytest

from hooks.blocks.offers import linked
from hooks.blocks.services import ELSEWHERE, document, jobs, meant, seen_from_here, services
from model.examples import BINDINGS
from model.files import ROOT, GuideError
from model.patterns import parse, patterns
from model.products import products
from tests.support.sheets import sheet

KNOWN = products()
PAGES = patterns()
LEAST_PARSED = 0.85


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("Workers KV", {"kv"}),
        ("Workers (consumer)", {"workers"}),
        ("Control plane Worker", {"workers"}),
        ("Worker (optional)", {"workers"}),
        ("Workers Builds", set()),
        ("Access service tokens", {"service-tokens"}),
        ("Access, Tunnel", {"access", "tunnel"}),
        ("Access for SaaS", set()),
        ("CASB, DLP, Browser Isolation", {"casb", "dlp", "browser-isolation"}),
        ("Cloudflare One Client, device posture", {"one-client", "posture"}),
        ("Network Firewall (formerly Magic Firewall)", {"network-firewall"}),
        ("Tunnel (`cloudflared`)", {"tunnel"}),
        ("Edge cache", {"cache"}),
        ("Workers Cache", {"workers-cache"}),
        ("Identity provider", set()),
    ],
)
def test_the_first_cell_of_a_row_names_its_products(cell: str, found: set[str]):
    assert meant(cell, KNOWN) == found


def test_two_rows_of_one_product_are_joined_and_other_tables_are_left_alone():
    text = """
## Services involved

| Service | Its job here | What you could use instead |
|---|---|---|
| Workers (API) | Answers | A server |
| Workers (consumer) | Works | A pull consumer |

### Another table

| Service | Its job here | What you could use instead |
|---|---|---|
| D1 | Not meant | Nothing |

## Strengths
"""
    assert jobs(text, KNOWN) == {"workers": ("Answers; Works", "A server; A pull consumer")}


def test_a_pipe_in_a_cell_takes_nothing_away():
    text = "## Services involved\n\n| Service | Its job | Instead |\n|---|---|---|\n| Workers KV | Holds `a\\|b` | `x\\|y` |\n"
    assert jobs(text, KNOWN) == {"kv": ("Holds `a\\|b`", "`x\\|y`")}


def test_links_of_a_pattern_page_still_lead_there_from_a_service_page():
    moved = seen_from_here(
        "[D1](fullstack-d1.md), [n](r2-uploads.md#build-it), [g](../guide/decide.md), [1](fact:x), [x](https://a.b/c.md)"
    )
    assert moved == (
        "[D1](../patterns/fullstack-d1.md), [n](../patterns/r2-uploads.md#build-it), [g](../guide/decide.md), [1](fact:x), "
        "[x](https://a.b/c.md)"
    )


def test_a_page_lists_exactly_the_patterns_that_use_its_product():
    assert len(services(PAGES)) >= 40
    for product, using in services(PAGES).items():
        text = document(product, using, KNOWN, 3)
        listed = re.findall(r"^\| \[\S+ · [^\]]+\]\(\.\./patterns/([a-z0-9-]+)\.md\)", text, re.M)
        assert listed == [p.slug for p in PAGES if product in p.services], product


def test_most_jobs_come_from_the_table_of_the_pattern_page():
    found = [(p.slug, s, s in jobs(p.text, KNOWN)) for p in PAGES for s in p.services]
    missing = [f"{slug}: {service}" for slug, service, parsed in found if not parsed]
    assert len(missing) <= (1 - LEAST_PARSED) * len(found), f"name these in 'Services involved': {missing}"


def test_what_the_table_does_not_say_is_not_invented():
    page = parse(
        "x",
        "---\ntitle: X\npattern: 1\ndescription: D.\nservices: [kv]\nuse_cases: []\nstate: none\nexposure: public\nplan: Free\nrelated: []\n---\n# X\n",
    )
    assert ELSEWHERE[0] in document("kv", [page], KNOWN, 0)
    assert "no figure of it stands on these pages" in document("kv", [page], KNOWN, 0)


def test_a_page_without_a_field_is_named():
    with pytest.raises(GuideError, match=r"docs/patterns/x\.md:2: the file lacks services, use_cases, "):
        parse("x", "---\ntitle: X\npattern: 1\ndescription: D.\n---\n# X\n")


def test_every_product_has_a_job_and_building_blocks_says_the_same():
    text = (ROOT / "docs" / "guide" / "building-blocks.md").read_text(encoding="utf-8")
    said = {
        name: job.strip()
        for name, job in re.findall(r"^\| \[([^\]]+)\]\(https[^)]+\)[^|]* \| ([^|]+) \| [^|]+ \|$", text, re.M)
    }
    used = services(PAGES).keys()
    for product, entry in KNOWN.items():
        assert entry.get("job"), f"docs/data/products.yml, {product}: add its job in one sentence, without a full stop"
        assert not entry["job"].endswith("."), product
        if product in used:
            assert said.get(entry["name"]) == entry["job"], (
                f"{entry['name']}: products.yml and building-blocks.md differ"
            )


def test_an_example_is_promised_only_where_one_runs_and_uses_the_product():
    link = "[see it run](example:global-api-kv#{})"
    assert linked(sheet(link.format("kv"))) == "[see it run](../patterns/global-api-kv.md#build-it)"
    assert linked(sheet(link.format("d1"))) == "none here"
    assert linked(sheet("[see it run](example:private-machine-api#durable-objects)")).startswith("[see it run](")
    assert set(BINDINGS) <= KNOWN.keys()


@pytest.mark.parametrize("link", ["[x](example:gone#kv)", "[x](example:global-api-kv#waf)"])
def test_an_example_link_to_nowhere_stops_the_build(link: str):
    with pytest.raises(GuideError, match=r"docs/guide/x\.md:4: \[x\]"):
        linked(sheet(link))
