"""Search finds a pattern by the products that it uses."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from hooks.facts import products
from pages import PageSource, pattern_pages
from tests.harness.site import Site, Visit


@pytest.fixture(scope="module")
def reader(site: Site, browser: Browser) -> Iterator[Visit]:
    """A reader on the home page, who searches for one thing after the other."""
    with Visit(browser) as visit:
        visit.page.goto(site.url, wait_until="networkidle")
        yield visit
        assert visit.complaints == []


@pytest.mark.parametrize("page", [pytest.param(p, id=p.slug) for p in pattern_pages()])
def test_search_finds_the_pattern_by_its_product_names(reader: Visit, page: PageSource):
    box, items = reader.page.locator("input.md-search__input"), reader.page.locator(".md-search-result__item")
    for name in sorted({products()[s]["name"] for s in page.meta["services"]}):
        for text in ("", name):
            box.fill(text)
            box.press("End")
            items.first.wait_for(state="attached" if text else "detached")
        found = items.locator(f"a[href*='patterns/{page.slug}/']")
        shown = -1
        while not found.count() and shown < (shown := items.count()):
            reader.page.locator(".md-search__scrollwrap").hover()
            reader.page.mouse.wheel(0, 20_000)
            reader.page.wait_for_timeout(200)
        assert found.count(), f"searching for {name} shows {shown} pages, but not this one"
