"""Others read the facts as data."""

import datetime
import json

from hooks.publish.facts_json import document
from model.facts import Fact, load
from model.products import products
from runtime.site import Site

AS_OF = datetime.date(2026, 1, 1)
FACT = Fact(
    "kv-write-rate",
    "One key accepts one write per second.",
    1,
    "write per second",
    "all",
    "https://developers.cloudflare.com/kv/",
    AS_OF,
    "page",
    "high",
    note="Also “burst”.",
    product="kv",
)


def test_a_fact_is_published_with_all_that_backs_it():
    assert json.loads(document([FACT], {"kv": {"name": "Workers KV"}})) == [
        {
            "id": "kv-write-rate",
            "product": "kv",
            "product_name": "Workers KV",
            "claim": "One key accepts one write per second.",
            "value": 1,
            "unit": "write per second",
            "shown": "1 write per second",
            "plan": "all",
            "source": "https://developers.cloudflare.com/kv/",
            "as_of": "2026-01-01",
            "evidence": "page",
            "confidence": "high",
            "note": "Also “burst”.",
            "conflict": "",
        }
    ]


def test_the_published_list_holds_every_fact_sorted_by_id():
    entries = json.loads(document(load().values(), products()))
    ids = [e["id"] for e in entries]
    assert ids == sorted(load())
    assert {e["as_of"] for e in entries} == {f.as_of.isoformat() for f in load().values()}


def test_the_order_of_the_files_does_not_change_a_byte():
    facts = list(load().values())
    assert document(facts, products()) == document(reversed(facts), products())
    assert document(facts, products()).endswith("]\n")


def test_letters_are_published_as_letters():
    assert "“burst”" in document([FACT], {})


def test_an_unknown_product_is_called_by_its_id():
    assert json.loads(document([FACT], {}))[0]["product_name"] == "kv"


def test_the_build_puts_the_list_beside_the_pages_and_the_reference_links_to_it(site: Site):
    published = (site.folder / "facts.json").read_text(encoding="utf-8")
    assert published == document(load().values(), products())
    assert 'href="../../facts.json"' in (site.folder / "reference" / "limits" / "index.html").read_text()
