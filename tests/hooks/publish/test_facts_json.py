"""Others read the facts as data, and a reader sees which facts nobody has looked at for long."""

import datetime
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup

from hooks.page.cards import card, fill
from hooks.publish.facts_json import document
from model.facts import ROOT, Fact, FactError, load, site_date
from model.products import products

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
MARK = "Older than 180 days: check the source."


def day(after: int) -> datetime.date:
    return AS_OF + datetime.timedelta(days=after)


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


def test_the_build_puts_the_list_beside_the_pages(tmp_path: Path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Home\n\n[data](facts.json)\n")
    hooks = [str(ROOT / "hooks" / name) for name in ("facts.py", "facts_json.py")]
    config = {"site_name": "x", "theme": {"name": None, "custom_dir": "theme"}, "hooks": hooks, "plugins": []}
    (tmp_path / "theme").mkdir()
    (tmp_path / "theme" / "main.html").write_text("{{ page.content }}")
    (tmp_path / "mkdocs.yml").write_text(yaml.safe_dump(config))
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "facts.json").read_text(encoding="utf-8") == document(load().values(), products())


def test_the_site_publishes_the_list_and_the_reference_links_to_it():
    assert "  - hooks/facts_json.py\n" in (ROOT / "mkdocs.yml").read_text()
    assert "](../facts.json)" in (ROOT / "docs" / "reference" / "limits.md").read_text()


@pytest.mark.parametrize(("age", "marked"), [(-1, False), (0, False), (180, False), (181, True), (3000, True)])
def test_a_fact_older_than_180_days_asks_the_reader_to_check(age: int, marked: bool):
    text = BeautifulSoup(card(FACT, "1", 1, day(age)), "html.parser").text
    assert text.count(MARK) == marked


def test_every_card_of_a_page_counts_from_the_same_day():
    link = '<a href="fact:kv-write-rate">1</a>'
    assert fill(link * 2, {FACT.id: FACT}, day(181)).count(MARK) == 2
    assert MARK not in fill(link, {FACT.id: FACT}, day(180))


def test_the_day_of_the_build_can_be_fixed_from_outside(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SITE_DATE", day(181).isoformat())
    assert MARK in card(FACT, "1", 1)
    monkeypatch.setenv("SITE_DATE", day(180).isoformat())
    assert MARK not in card(FACT, "1", 1)


@pytest.mark.parametrize("given", [None, ""])
def test_without_a_given_day_it_is_today(given: str | None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SITE_DATE", raising=False) if given is None else monkeypatch.setenv("SITE_DATE", given)
    before = datetime.date.today()
    assert before <= site_date() <= datetime.date.today()


def test_a_day_that_is_no_date_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SITE_DATE", "tomorrow")
    with pytest.raises(FactError, match="SITE_DATE is 'tomorrow': give a date, YYYY-MM-DD"):
        site_date()
