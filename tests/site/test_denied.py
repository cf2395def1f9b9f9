"""What a browser may refuse, and what an address may hold: only what needs it is missing, everything else works."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from runtime.browser import MOBILE, Visit
from runtime.site import Site

PAGE = "patterns/global-api-kv/"
WITH_SCRIPTS = ("guide/decide/", "patterns/", PAGE, "reference/limits/")  # of their own, which read the address too
GETTER = (
    "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, {{ get() {{ {} }} }});"
)
HOLDS = "Storage.prototype.getItem = () => {!r};"
STORAGE = {
    "throws": GETTER.format("throw new DOMException('denied', 'SecurityError');"),
    "is null": GETTER.format("return null;"),
    "is full": "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };",
    **{
        f"holds {text}": HOLDS.format(text)
        for text in ("{", "null", '{"color":5}', '{"color":{"media":"(tv)"},"index":9}')
    },
}
DARK = "rgb(16, 21, 31)"


def works(page: Page) -> None:
    """Fail unless a reader with a phone and a dark system can read, open the navigation, and search; the search stays open."""
    assert page.evaluate("document.documentElement.className") == "js"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == DARK
    opener = page.get_by_role("button", name="Navigation")
    opener.click()
    expect(page.locator(".md-sidebar--primary")).to_be_visible()
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    page.locator(".md-header label[title='Switch to light mode']").click()
    assert page.locator("body").get_attribute("data-md-color-scheme") == "default"
    found(page)


def found(page: Page) -> None:
    page.keyboard.press("/")
    page.get_by_role("combobox", name="Search").fill("queues")
    expect(page.get_by_role("dialog").get_by_role("option").first).to_be_visible()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Visit]:
    """A reader with a phone whose system is dark."""
    with Visit(browser, viewport=MOBILE, color_scheme="dark", reduced_motion="reduce") as visit:
        yield visit


@pytest.mark.parametrize("storage", STORAGE)
def test_without_storage_only_the_choice_of_colours_is_forgotten(phone: Visit, site: Site, storage: str):
    phone.context.add_init_script(STORAGE[storage])
    phone.page.goto(site.url + PAGE)
    works(phone.page)
    phone.page.keyboard.press("Enter")
    phone.page.wait_for_url(re.compile("queues/"))
    phone.page.wait_for_function("document.readyState === 'complete'")
    assert phone.complaints == []


BROKEN = {
    "colours": ('data-md-component="palette"', ""),
    "drawer": ("drawer-open", "x"),
    "search": ("search-open", "x"),
    "title": ("<head>", "<head><script>delete window.IntersectionObserver</script>"),
    "contents": ('<a href="#when-it-fails"', '<a href="#%"'),
}


@pytest.mark.parametrize("feature", BROKEN)
def test_a_feature_that_fails_takes_no_other_along(phone: Visit, site: Site, feature: str):
    page = phone.page
    html = (site.folder / PAGE / "index.html").read_text(encoding="utf-8").replace(*BROKEN[feature])
    page.route(f"**/{PAGE}", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(site.url + PAGE, wait_until="networkidle")
    if feature != "search":
        found(page)
        page.keyboard.press("Escape")
    if feature != "drawer":
        page.get_by_role("button", name="Navigation").click()
        expect(page.locator(".md-sidebar--primary")).to_be_visible()
        page.keyboard.press("Escape")
    if feature != "colours":
        page.locator(".md-header label[title='Switch to light mode']").click()
        assert page.locator("body").get_attribute("data-md-color-scheme") == "default"
    assert page.locator(".highlight .copy").count() > 0
    assert feature in [said.split()[1] for said in phone.complaints if said.startswith("console:")]
    assert not [said for said in phone.complaints if said.startswith("uncaught:")]


@pytest.mark.parametrize(("place", "fragment"), [*((place, "#50%") for place in WITH_SCRIPTS), (PAGE, "#%E0%A4%A")])
def test_a_malformed_fragment_is_a_section_that_does_not_exist(phone: Visit, site: Site, place: str, fragment: str):
    phone.page.goto(site.url + place + fragment)
    works(phone.page)
    phone.page.evaluate("location.hash = '#100%'")
    expect(phone.page.locator("h1")).to_be_visible()
    assert phone.complaints == []


def test_where_the_clipboard_is_denied_the_button_says_so(site: Site, visit: Visit):
    visit.page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined });")
    visit.page.goto(site.url + PAGE)
    button = visit.page.get_by_role("button", name="Copy this code").first
    button.click()
    expect(button).to_have_text("Copy failed")
    assert visit.complaints == []
