"""A value works without JavaScript: its card says source and date, and whether nobody has looked at it for long."""

import datetime

import pytest
from bs4 import BeautifulSoup

from hooks.blocks.fact_tables import tables
from hooks.page.cards import card, fill
from model.facts import Fact
from tests.support.sheets import passed

AS_OF = datetime.date(2026, 1, 1)
MARK = "Older than 180 days: check the source."
ENTRY = {
    "id": "kv-write-rate",
    "claim": "One key accepts one write per second.",
    "value": 1,
    "unit": "write per second",
    "plan": "all",
    "source": "https://developers.cloudflare.com/kv/",
    "as_of": AS_OF,
    "evidence": "page",
    "confidence": "high",
}
FACT = Fact(**ENTRY, product="kv")


def day(after: int) -> datetime.date:
    return AS_OF + datetime.timedelta(days=after)


def test_a_card_names_the_other_source():
    fact = Fact(**ENTRY | {"conflict": "An older page says two.", "confidence": "medium"}, product="kv")
    assert "Sources disagree: An older page says two." in card(fact, "1", 1)


def test_a_card_names_claim_source_evidence_and_date():
    html = BeautifulSoup(card(FACT, "1 write per second", 7), "html.parser")
    button, popover = html.button, html.select_one("[popover]")
    assert button["popovertarget"] == popover["id"]
    assert popover.a["href"] == ENTRY["source"]
    for part in (ENTRY["claim"], "documentation page", "2026-01-01"):
        assert part in popover.text


def test_a_card_escapes_what_the_data_says():
    evil = Fact(**ENTRY | {"claim": "<img src=x onerror=alert(1)>", "note": "a & b"}, product="kv")
    assert "<img" not in card(evil, "1", 1)


def test_two_uses_of_a_fact_get_two_cards():
    html = '<a href="fact:kv-write-rate">1</a> <a href="fact:kv-write-rate">1</a> <a href="fact:kv-write-rate#source">2026-01-01</a>'
    soup = BeautifulSoup(passed(html, fill, {FACT.id: FACT}), "html.parser")
    ids = [e["id"] for e in soup.select("[popover]")]
    assert len(set(ids)) == 2
    assert soup.select_one("a.fact__source")["href"] == ENTRY["source"]


def test_the_reference_has_a_permanent_anchor_for_each_fact():
    assert '<span id="kv-write-rate">' in tables([FACT], {})


@pytest.mark.parametrize(("age", "marked"), [(-1, False), (0, False), (180, False), (181, True), (3000, True)])
def test_a_fact_older_than_180_days_asks_the_reader_to_check(age: int, marked: bool):
    text = BeautifulSoup(card(FACT, "1", 1, day(age)), "html.parser").text
    assert text.count(MARK) == marked


def test_every_card_of_a_page_counts_from_the_same_day():
    link = '<a href="fact:kv-write-rate">1</a>'
    assert passed(link * 2, fill, {FACT.id: FACT}, day(181)).count(MARK) == 2
    assert MARK not in passed(link, fill, {FACT.id: FACT}, day(180))


def test_the_day_of_the_build_can_be_fixed_from_outside(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SITE_DATE", day(181).isoformat())
    assert MARK in card(FACT, "1", 1)
    monkeypatch.setenv("SITE_DATE", day(180).isoformat())
    assert MARK not in card(FACT, "1", 1)
