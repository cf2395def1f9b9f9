"""A reader who does not know a word gets it explained where it stands."""

from collections import Counter

from bs4 import BeautifulSoup
from playwright.sync_api import Browser

from model.glossary import load
from runtime.browser import Visit
from runtime.site import Site
from tests.support.pages import pattern_pages

MOST_UNUSED = 14


def explained(soup: BeautifulSoup) -> list[str]:
    return [button["popovertarget"] for button in soup.select("button.term__word")]


def test_every_pattern_explains_words_and_each_of_them_once(soups: dict[str, BeautifulSoup]):
    used: Counter[str] = Counter()
    for page in pattern_pages():
        here = explained(soups[f"patterns/{page.slug}/"])
        assert len(here) >= 3 and len(set(here)) == len(here), page.slug
        used.update(here)
    for guide in ("quick-start", "mistakes", "building-blocks", "choose-data-product", "whats-changed"):
        used.update(explained(soups[f"guide/{guide}/"]))
    unused = [term.name for term in load() if f"term-{term.anchor}" not in used]
    assert len(unused) <= MOST_UNUSED, (
        f"{unused}: no page uses these words in running text: remove them from the glossary or use them"
    )


def test_the_glossary_itself_and_the_reference_hold_no_cards(soups: dict[str, BeautifulSoup]):
    assert explained(soups["guide/glossary/"]) == explained(soups["reference/limits/"]) == []


def test_a_word_opens_by_keyboard_without_javascript_and_leads_to_the_glossary(site: Site, browser: Browser):
    with Visit(browser, java_script_enabled=False) as visit:
        visit.page.goto(f"{site.url}patterns/global-api-kv/")
        word = visit.page.locator("button.term__word").first
        card = visit.page.locator(".term .fact__card").first
        assert not card.is_visible()
        word.focus()
        visit.page.keyboard.press("Enter")
        assert card.is_visible()
        card.get_by_role("link", name="Glossary").click()
        heading = visit.page.url.partition("#")[2]
        assert heading
        visit.page.locator(f"h2#{heading}").wait_for()
