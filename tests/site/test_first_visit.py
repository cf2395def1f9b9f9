"""What a first visit costs, and how the way to the next page and back feels: light, quiet, and no step lost."""

import gzip
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from runtime.browser import DESKTOP, MOBILE, Visit
from runtime.site import Site

LIMIT_BYTES = 120_000
KINDS = (
    "",
    "guide/decide/",
    "guide/glossary/",
    "guide/mistakes/",
    "patterns/",
    "reference/costs/",
    "reference/limits/",
    "services/",
    "services/kv/",
)
COMPRESSED = (".woff2", ".png")
PATTERN = "patterns/global-api-kv/"
LONG = "patterns/r2-uploads/"
HERE = "document.activeElement"


def heaviest(site: Site, count: int) -> list[str]:
    return sorted(site.pages(), key=lambda p: -len(gzip.compress((site.folder / p / "index.html").read_bytes())))[
        :count
    ]


@pytest.fixture
def home(site: Site, visit: Visit) -> Iterator[Visit]:
    """A reader on the home page."""
    visit.page.goto(site.url, wait_until="networkidle")
    yield visit
    assert visit.complaints == []


def test_a_first_visit_of_every_kind_of_page_is_light(site: Site, browser: Browser):
    for place in {*KINDS, *heaviest(site, 4)}:
        with Visit(browser, viewport=MOBILE) as visit:
            answers: list[Response] = []
            visit.page.on("response", lambda r, answers=answers: answers.append(r))
            visit.page.goto(site.url + place, wait_until="networkidle")
            sizes = {r.url: len(r.body() if r.url.endswith(COMPRESSED) else gzip.compress(r.body())) for r in answers}
            assert sum(sizes.values()) <= LIMIT_BYTES, f"{place}: {sum(sizes.values())} bytes: {sizes}"
            assert {urlsplit(url).netloc for url in sizes} == {urlsplit(site.url).netloc}, place
            assert visit.complaints == [], place


def at(page: Page, y: int) -> None:
    """Wait until the reader stands there; only a whole pixel is a place."""
    page.wait_for_function("y => Math.abs(scrollY - y) < 1", arg=y)


def back(page: Page, steps: int = -1) -> None:
    # Playwright waits for a load, which a page out of the browser's memory has not.
    page.evaluate("steps => void setTimeout(() => history.go(steps))", steps)


JUMP = """(section) => new Promise((done) => {
  const link = document.querySelector(`.md-sidebar--secondary a[href='#${section}']`);
  // In the next picture: no pause in which a script could note the place.
  requestAnimationFrame(() => requestAnimationFrame(() => done(link.click())));
})"""
THERE = "(section) => location.hash === '#' + section && Math.abs(document.getElementById(section).getBoundingClientRect().top) < 150"


def test_back_returns_to_where_the_reader_was_before_each_jump(site: Site, visit: Visit):
    page = visit.page
    page.goto(site.url + LONG, wait_until="networkidle")
    page.evaluate("scrollTo(0, 300)")
    for section in ("when-it-fails", "good-fit"):
        page.evaluate(JUMP, section)
        page.wait_for_function(THERE, arg=section)
    back(page)
    page.wait_for_function(THERE, arg="when-it-fails")
    back(page)
    at(page, 300)
    assert page.url == site.url + LONG
    back(page, +2)
    page.wait_for_function(THERE, arg="good-fit")
    assert visit.complaints == []


def test_back_and_forward_return_to_the_place_on_another_page(home: Visit, site: Site):
    page = home.page
    page.evaluate("scrollTo(0, 600)")
    page.locator("a.md-footer__link--next").evaluate("link => link.click()")
    page.wait_for_url("**/guide/how-to-read/")
    page.evaluate("scrollTo(0, 300)")
    back(page)
    page.wait_for_url(site.url)
    at(page, 600)
    back(page, +1)
    page.wait_for_url("**/guide/how-to-read/")
    at(page, 300)
    page.reload()
    at(page, 300)


NAMED = """Promise.all([...document.querySelectorAll("head link[href]")].map(async ({ href }) => {
  const answer = await fetch(href);
  await answer.blob();
  return [href, answer.status];
}))"""


def test_no_request_fails_while_a_reader_goes_from_page_to_page(home: Visit, site: Site):
    # Headless Chromium shows no icon, so what a page names in its head is asked for besides.
    page = home.page
    for place in (*KINDS[1:], PATTERN, ""):
        page.evaluate(
            "href => { const a = document.createElement('a'); a.href = href; document.body.append(a); a.click() }",
            site.url + place,
        )
        page.wait_for_url(site.url + place)
        asked = page.evaluate(NAMED)
        assert any("favicon" in href for href, _ in asked)
        assert [(href, status) for href, status in asked if status != 200] == [], place
        assert home.complaints == [], place


def test_a_link_to_a_section_of_another_page_ends_there(home: Visit, site: Site):
    page = home.page
    page.evaluate(
        "(href) => { const a = document.createElement('a'); a.href = href; a.textContent = 'go'; document.querySelector('article').prepend(a) }",
        PATTERN + "#when-it-fails",
    )
    page.get_by_role("link", name="go", exact=True).click()
    page.wait_for_url(f"**/{PATTERN}#when-it-fails")
    assert page.evaluate("document.querySelector(':target').id === 'when-it-fails'")
    assert page.locator("#when-it-fails").evaluate(
        "e => e.getBoundingClientRect().top >= 48 && e.getBoundingClientRect().top < 150"
    )
    page.wait_for_function(
        "document.querySelector('.md-sidebar--secondary .md-nav__link--active')?.hash === '#when-it-fails'"
    )


def test_the_drawer_opens_and_closes_by_keyboard(site: Site, browser: Browser):
    with Visit(browser, viewport=MOBILE, reduced_motion="reduce") as visit:
        page = visit.page
        page.goto(site.url + PATTERN, wait_until="networkidle")
        opener = page.get_by_role("button", name="Navigation")
        assert not page.locator(".md-sidebar--primary").is_visible()
        opener.focus()
        page.keyboard.press("Enter")
        assert opener.get_attribute("aria-expanded") == "true"
        assert page.evaluate(f"{HERE}.closest('.md-sidebar--primary') !== null")
        page.keyboard.press("Escape")
        assert opener.get_attribute("aria-expanded") == "false"
        expect(opener).to_be_focused()
        assert visit.complaints == []


def test_the_drawer_closes_behind_the_reader(site: Site, browser: Browser):
    with Visit(browser, viewport=MOBILE, reduced_motion="reduce") as visit:
        page = visit.page
        page.goto(site.url, wait_until="networkidle")
        opener, drawer = page.get_by_role("button", name="Navigation"), page.locator(".md-sidebar--primary")
        opener.click()
        drawer.get_by_text("5 · Uploads with R2").evaluate("e => e.closest('a').click()")
        page.wait_for_url("**/patterns/r2-uploads/")
        opener.click()
        drawer.locator("a[href='#when-it-fails']").evaluate("link => link.click()")
        expect(drawer).not_to_be_visible()
        back(page, -2)
        page.wait_for_url(site.url)
        expect(drawer).not_to_be_visible()
        assert opener.get_attribute("aria-expanded") == "false"


@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_colours_follow_the_system_until_the_reader_chooses(system: str, site: Site, browser: Browser):
    schemes = {"light": "default", "dark": "slate"}
    with Visit(browser, color_scheme=system, viewport=DESKTOP) as visit:
        page = visit.page
        # Before any script of ours has come, so that a dark page is never light first.
        page.route("**/assets/theme*.js", lambda route: route.abort())
        page.goto(site.url)
        assert page.locator("body").get_attribute("data-md-color-scheme") == schemes[system]
        page.unroute("**/assets/theme*.js")
        page.goto(site.url)
        shown = []
        for label in ("Switch to light mode", "Switch to dark mode", "Follow the system setting"):
            page.locator(f".md-header label[title='{label}']").click()
            shown.append(page.locator("body").get_attribute("data-md-color-scheme"))
        assert shown == ["default", "slate", schemes[system]]
        page.locator(".md-header label[title='Switch to light mode']").click()
        page.locator(".md-header label[title='Switch to dark mode']").click()
        page.locator("a.md-footer__link--next").click()
        page.wait_for_url("**/guide/how-to-read/")
        page.reload()
        assert page.locator("body").get_attribute("data-md-color-scheme") == "slate"
        page.locator(".md-header label[title='Follow the system setting']").click()
        page.locator(".md-header label[title='Switch to light mode']").click()
        back(page)
        page.wait_for_url(site.url)
        expect(page.locator("body")).to_have_attribute("data-md-color-scheme", "default")


def test_the_colour_switch_takes_space_and_enter(site: Site, browser: Browser):
    with Visit(browser, color_scheme="light") as visit:
        page = visit.page
        page.goto(site.url)
        page.locator(".md-logo").first.focus()
        page.keyboard.press("Tab")
        seen = []
        for key in ("Space", "Enter", "Space", "Enter"):
            page.keyboard.press(key)
            focused = page.evaluate(f"{HERE}.checked && {HERE}.nextElementSibling.title")
            seen.append((page.locator("body").get_attribute("data-md-color-scheme"), focused))
        light, dark, system = "Switch to dark mode", "Follow the system setting", "Switch to light mode"
        assert seen == [("default", light), ("slate", dark), ("default", system), ("default", light)]
        assert page.url == site.url, "Enter sends no form"


def test_without_javascript_the_navigation_opens_on_a_telephone(site: Site, browser: Browser):
    with Visit(browser, viewport=MOBILE, java_script_enabled=False) as visit:
        visit.page.goto(site.url + PATTERN)
        assert not visit.page.get_by_role("button", name="Search").is_visible()
        visit.page.locator("noscript label[for=__drawer], label.md-header__button[for=__drawer]").first.click()
        visit.page.locator(".md-sidebar--primary").get_by_text("5 · Uploads with R2").click()
        visit.page.wait_for_url("**/patterns/r2-uploads/")
