"""The reference of limits and prices as a reader searches, sorts and links it."""

import json
import re

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser

from model.facts import UNKNOWN, load
from runtime.browser import Visit
from runtime.site import Site

FACTS = load()
PAGE = "reference/limits/"
SEARCH = "Find a limit or a price"


def rows(visit: Visit) -> list[str]:
    """Return the facts that a reader sees, by their anchors."""
    return visit.page.evaluate(
        "[...document.querySelectorAll('article td:first-child span[id]')].filter((e) => e.checkVisibility()).map((e) => e.id)"
    )


def test_every_fact_stands_there_once_with_its_anchor_value_and_dated_source(site: Site):
    soup = BeautifulSoup((site.folder / PAGE / "index.html").read_text(encoding="utf-8"), "html.parser")
    found = {span["id"]: span.find_parent("tr") for span in soup.select("td:first-child > span[id]")}
    assert found.keys() == FACTS.keys() and len(found) >= 250
    for name, row in found.items():
        assert FACTS[name].shown in row.get_text(), name
        assert row.select_one("a.fact__source")["href"] == FACTS[name].source
        assert str(FACTS[name].as_of) in row.get_text()


def test_several_words_narrow_the_list_and_the_count_is_announced(site: Site, visit: Visit):
    visit.page.goto(site.url + PAGE)
    assert len(rows(visit)) == len(FACTS)
    visit.page.get_by_label(SEARCH).fill("KV per day")
    left = rows(visit)
    assert {"kv-reads-free", "kv-writes-free"} <= set(left) and len(left) < 40
    assert visit.page.get_by_role("status").filter(has_text="found").inner_text() == f"{len(left)} facts found."
    assert not visit.page.get_by_role("heading", name="Hyperdrive").is_visible()


def test_words_that_nothing_holds_say_so_and_clearing_them_brings_all_back(site: Site, visit: Visit):
    visit.page.goto(site.url + PAGE)
    box = visit.page.get_by_label(SEARCH)
    box.fill("<img src=x> nonsense")
    assert rows(visit) == []
    assert visit.page.get_by_text("0 facts found.").is_visible()
    box.fill("")
    assert len(rows(visit)) == len(FACTS)


def test_a_search_can_be_sent_to_a_colleague(site: Site, browser: Browser, visit: Visit):
    visit.page.goto(site.url + PAGE)
    visit.page.get_by_label(SEARCH).fill("dead letter")
    wanted = rows(visit)
    with Visit(browser) as colleague:
        colleague.page.goto(visit.page.url)
        colleague.page.get_by_text(f"{len(wanted)} facts found.").wait_for()
        assert rows(colleague) == wanted


def test_a_heading_sorts_its_table_by_keyboard_numbers_as_numbers(site: Site, visit: Visit):
    visit.page.goto(site.url + PAGE)
    table = visit.page.locator("h2#queues ~ * table, h2#queues ~ table").first
    head = table.get_by_role("button", name="Value")
    head.focus()
    visit.page.keyboard.press("Enter")
    values = table.locator("tbody td:nth-child(2)").all_inner_texts()
    first = [int(m[0].replace(",", "")) for m in (re.match(r"[\d,]+(?= )", v) for v in values) if m and "," not in m[0]]
    assert first == sorted(first) and len(first) > 10
    assert head.locator("xpath=..").get_attribute("aria-sort") == "ascending"
    visit.page.keyboard.press("Enter")
    assert head.locator("xpath=..").get_attribute("aria-sort") == "descending"
    assert table.locator("tbody td:nth-child(2)").all_inner_texts()[-1] == values[0]


def test_an_anchor_leads_to_its_fact_and_without_javascript_all_is_there(site: Site, browser: Browser):
    with Visit(browser, java_script_enabled=False) as visit:
        visit.page.goto(f"{site.url}{PAGE}#queues-delay-max")
        assert visit.page.locator("#queues-delay-max").is_visible()
        assert not visit.page.get_by_label(SEARCH).is_visible(), "a box that cannot search is not shown"


def test_what_is_unknown_and_where_sources_disagree_stands_on_the_sources_page(site: Site):
    page = BeautifulSoup((site.folder / "guide/sources/index.html").read_text(encoding="utf-8"), "html.parser")
    for card in page.select(".fact__card"):
        card.decompose()
    text = page.get_text()
    unknown = [f for f in FACTS.values() if f.value == UNKNOWN]
    disputed = [f for f in FACTS.values() if f.conflict]
    assert len(unknown) >= 10 and len(disputed) >= 5
    for fact in unknown:
        assert fact.claim in text, fact.id
    for fact in disputed:
        assert fact.conflict in text, fact.id
        assert fact.confidence != "high"


def test_the_sources_page_lists_every_source_of_every_fact(site: Site):
    soup = BeautifulSoup((site.folder / "guide/sources/index.html").read_text(encoding="utf-8"), "html.parser")
    linked = {a["href"] for a in soup.select("article table a[href^=https]")}
    assert {f.source for f in FACTS.values()} <= linked
    assert len(linked) > 150


def test_the_published_data_names_conflicts_and_unknowns(site: Site):
    published = {f["id"]: f for f in json.loads((site.folder / "facts.json").read_text(encoding="utf-8"))}
    assert published["lb-price"]["value"] == UNKNOWN and published["lb-price"]["evidence"] == "none"
    assert published["wfp-cpu-max"]["conflict"]


@pytest.mark.parametrize("place", ["reference/limits/", "guide/sources/"])
def test_long_addresses_do_not_widen_a_small_screen(site: Site, browser: Browser, place: str):
    with Visit(browser, viewport={"width": 390, "height": 844}) as visit:
        visit.page.goto(site.url + place)
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
