"""What a first visit costs, and how the way to the next page feels: light, quiet, and no step lost."""

import gzip
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

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
HERE = "document.activeElement"


def heaviest(site: Site, count: int) -> list[str]:
    return sorted(site.pages(), key=lambda p: -len(gzip.compress((site.folder / p / "index.html").read_bytes())))[
        :count
    ]


@pytest.fixture
def home(site: Site, visit: Visit) -> Iterator[Visit]:
    """A reader on the home page; the document there carries a mark, which a page that is loaded anew has not."""
    visit.page.goto(site.url, wait_until="networkidle")
    visit.page.evaluate("window.sameDocument = true")
    yield visit
    assert visit.complaints == []


def test_a_first_visit_of_every_kind_of_page_is_light(site: Site, browser: Browser):
    for place in {*KINDS, *heaviest(site, 4)}:
        with Visit(browser, viewport=MOBILE) as visit:
            bodies: dict[str, bytes] = {}
            visit.page.on("response", lambda r, b=bodies: b.setdefault(r.url, r.body()))
            visit.page.goto(site.url + place, wait_until="networkidle")
            sizes = {
                url: len(body if url.endswith(COMPRESSED) else gzip.compress(body)) for url, body in bodies.items()
            }
            assert sum(sizes.values()) <= LIMIT_BYTES, f"{place}: {sum(sizes.values())} bytes: {sizes}"
            assert {urlsplit(url).netloc for url in sizes} == {urlsplit(site.url).netloc}, place
            assert visit.complaints == [], place


def test_a_link_fetches_one_page_and_says_where_the_reader_is(home: Visit, site: Site):
    page = home.page
    home.requests.clear()
    page.locator("article a", has_text="Global API with KV").first.click()
    page.wait_for_url(site.url + PATTERN)
    expect(page.locator("h1")).to_be_focused()
    assert page.locator(".said").inner_text() == page.title() and "Global API" in page.title()
    page.wait_for_load_state("networkidle")
    assert home.requests.count(site.url + PATTERN) == 1
    assert not [u for u in home.requests if u.endswith((".css", ".woff2")) or "theme" in u], (
        "nothing is loaded a second time"
    )
    assert page.evaluate("window.sameDocument")
    assert page.locator("link[rel=canonical]").get_attribute("href") == page.url
    assert page.locator(".md-nav__link--active", has_text="3 · Global API").count() > 0
    assert page.locator(".md-header .md-logo").evaluate("e => e.href") == site.url


def test_back_and_forward_return_to_the_place_on_the_page(home: Visit, site: Site):
    page = home.page
    page.evaluate("scrollTo(0, 600)")
    page.wait_for_function("history.state?.y === 600")
    page.locator("a.md-footer__link--next").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/guide/how-to-read/")
    page.wait_for_function("scrollY === 0")
    page.evaluate("scrollTo(0, 300)")
    page.wait_for_function("history.state?.y === 300")
    page.go_back()
    page.wait_for_url(site.url)
    page.wait_for_function("scrollY > 0 && document.querySelector('link[rel=canonical]').href === location.href")
    page.go_forward()
    page.wait_for_url("**/guide/how-to-read/")
    page.wait_for_function("scrollY === 300")
    assert page.evaluate("window.sameDocument")
    page.reload()
    page.wait_for_function("scrollY === 300")


def test_a_link_to_a_section_of_another_page_ends_there(home: Visit, site: Site):
    page = home.page
    page.evaluate(
        "(href) => { const a = document.createElement('a'); a.href = href; a.textContent = 'go'; document.querySelector('article').prepend(a) }",
        PATTERN + "#when-it-fails",
    )
    page.get_by_role("link", name="go", exact=True).click()
    page.wait_for_url(f"**/{PATTERN}#when-it-fails")
    expect(page.locator("#when-it-fails")).to_be_focused()
    assert page.evaluate("document.querySelector(':target').id === 'when-it-fails'")
    assert page.locator("#when-it-fails").evaluate(
        "e => e.getBoundingClientRect().top >= 48 && e.getBoundingClientRect().top < 150"
    )
    page.wait_for_function(
        "document.querySelector('.md-sidebar--secondary .md-nav__link--active')?.hash === '#when-it-fails'"
    )
    assert page.evaluate("window.sameDocument")
    page.go_back()
    page.wait_for_url(site.url)
    expect(page.locator("h1")).to_have_text("Cloudflare Architecture Examples¶")


def test_a_page_that_cannot_be_fetched_is_left_to_the_browser(site: Site, browser: Browser):
    with Visit(browser) as visit:
        visit.page.goto(site.url, wait_until="networkidle")
        visit.page.evaluate("window.sameDocument = true")
        visit.page.route(
            f"**/{PATTERN}",
            lambda route: route.abort() if route.request.resource_type == "fetch" else route.continue_(),
        )
        visit.page.locator("article a", has_text="Global API with KV").first.click()
        visit.page.wait_for_url(site.url + PATTERN)
        assert not visit.page.evaluate("window.sameDocument")


def test_a_page_of_a_newer_site_is_loaded_whole(site: Site, browser: Browser):
    with Visit(browser) as visit:
        newer = (
            (site.folder / PATTERN / "index.html")
            .read_text()
            .replace("</body>", '<script src="../../assets/newer.js"></script></body>')
        )
        visit.page.route(f"**/{PATTERN}", lambda route: route.fulfill(body=newer, content_type="text/html"))
        visit.page.route(
            "**/assets/newer.js",
            lambda route: route.fulfill(body="window.newer = true", content_type="text/javascript"),
        )
        visit.page.goto(site.url, wait_until="networkidle")
        visit.page.locator("article a", has_text="Global API with KV").first.click()
        visit.page.wait_for_function("window.newer")


def test_a_link_with_control_or_to_a_file_is_the_browsers(home: Visit, site: Site):
    with home.context.expect_page() as opened:
        home.page.locator("article a", has_text="Global API with KV").first.click(modifiers=["Control"])
    opened.value.wait_for_url(site.url + PATTERN)
    assert home.page.url == site.url


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


def test_without_javascript_the_navigation_opens_on_a_telephone(site: Site, browser: Browser):
    with Visit(browser, viewport=MOBILE, java_script_enabled=False) as visit:
        visit.page.goto(site.url + PATTERN)
        assert not visit.page.get_by_role("button", name="Search").is_visible()
        visit.page.locator("noscript label[for=__drawer], label.md-header__button[for=__drawer]").first.click()
        visit.page.locator(".md-sidebar--primary").get_by_text("5 · Uploads with R2").click()
        visit.page.wait_for_url("**/patterns/r2-uploads/")
