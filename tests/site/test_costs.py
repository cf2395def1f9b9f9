"""A reader changes the volumes of a pattern and sees what a month costs: by keyboard, at every width, in a link for a colleague."""

import random
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from hooks.blocks.costs import plan_texts
from model.costs.bill import bill
from model.costs.data import load_all
from model.costs.units import money
from runtime import toolchain
from runtime.browser import DESKTOP, MOBILE, Visit
from runtime.site import Site
from tests.support.pages import pattern_pages

_, _, PATTERNS = load_all()
SHOWING = [p.slug for p in pattern_pages() if "<!-- costs -->" in p.text]
AXE = toolchain.NODE_MODULES / "axe-core" / "axe.min.js"
DARK = "rgb(16, 21, 31)"
ALIVE = "document.querySelector('form[data-costs]')?.dataset.costs === 'ready'"
SLUG = "global-api-kv"
VIOLATIONS = "axe.run().then((r) => r.violations.map((v) => [v.id, v.nodes.map((n) => n.target.join(' '))]))"


def address(site: Site, slug: str, rest: str = "") -> str:
    return f"{site.url}patterns/{slug}/{rest}"


def shown(page: Page) -> dict[str, object]:
    """Return what the form shows: total, plans, and the cost of each line."""
    return {
        "total": page.locator("[data-total]").inner_text(),
        "plans": page.locator("[data-plan]").all_inner_texts(),
        "lines": page.locator("[data-costs] [data-cost]").all_inner_texts(),
    }


def expected(slug: str, volumes: dict[str, int]) -> dict[str, object]:
    found = bill(PATTERNS[slug], volumes)
    return {
        "total": money(found.total),
        "plans": plan_texts(PATTERNS[slug], found),
        "lines": [money(p) for _, p in found.lines],
    }


@pytest.fixture
def reader(site: Site, visit: Visit) -> Iterator[Page]:
    """A reader at the form of one page."""
    visit.page.goto(address(site, SLUG), wait_until="networkidle")
    visit.page.wait_for_function(ALIVE)
    yield visit.page
    assert visit.complaints == []
    assert {urlsplit(u).netloc for u in visit.requests if not u.startswith("data:")} == {urlsplit(site.url).netloc}


def test_every_page_with_the_marker_shows_tables_and_one_form(site: Site):
    assert len(SHOWING) >= 7
    for slug in SHOWING:
        text = (site.folder / "patterns" / slug / "index.html").read_text()
        assert text.count('<form class="costs js"') == 1, slug
        assert 'id="what-a-month-costs"' in text and "costs: calculator" not in text and "fact('" not in text, slug


def test_without_javascript_the_worked_cost_is_complete_and_the_form_is_gone(site: Site, browser: Browser):
    with Visit(browser, java_script_enabled=False) as visit:
        visit.page.goto(address(site, SLUG))
        assert not visit.page.locator("[data-costs]").is_visible()
        article = visit.page.locator("article").inner_text()
        for i in range(3):
            assert expected(SLUG, PATTERNS[SLUG].size(i))["total"] in article
        for part in (*PATTERNS[SLUG].left_out, "Free is enough for Hobby", "Worker requests"):
            assert part in article


def test_the_form_computes_what_python_computes_on_every_page(site: Site, visit: Visit):
    for slug in SHOWING:
        pattern, rng = PATTERNS[slug], random.Random(slug)
        visit.page.goto(address(site, slug))
        visit.page.wait_for_function(ALIVE)
        assert shown(visit.page) == expected(slug, pattern.size(1)), f"{slug}: as it arrives"
        for _ in range(2):  # the arithmetic itself is compared in tests/model/test_costs.py
            volumes = {n: min(v.max, int(10 ** rng.uniform(0, 12))) for n, v in pattern.volumes.items()}
            for name, number in volumes.items():
                visit.page.locator(f"#costs-{name}").fill(f"{number:,}" if rng.random() < 0.5 else str(number))
            assert shown(visit.page) == expected(slug, volumes), (slug, volumes)
    assert visit.complaints == []


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "Enter a number."),
        ("   ", "Enter a number."),
        ("-5", "Enter 0 or more."),
        ("−5", "Enter 0 or more."),
        ("1.5", "Enter a whole number in digits, like 250000."),
        ("1e6", "Enter a whole number in digits, like 250000."),
        ("many", "Enter a whole number in digits, like 250000."),
        ("1,0000", "Enter a whole number in digits, like 250000."),
        ("<b>1</b>", "Enter a whole number in digits, like 250000."),
        ("9" * 400, "Enter 1,000,000,000,000,000 or less."),
        ("1000000000000001", "Enter 1,000,000,000,000,000 or less."),
    ],
)
def test_a_wrong_number_is_named_at_its_field_and_gives_no_total(typed: str, message: str, reader: Page):
    before, link = shown(reader), reader.url
    field = reader.get_by_label("Requests", exact=True)
    field.fill(typed)
    assert reader.locator("#costs-requests-error").inner_text() == message
    assert field.get_attribute("aria-invalid") == "true"
    assert field.get_attribute("aria-describedby") == "costs-requests-error"
    assert set(shown(reader)["lines"]) == {"–"} and shown(reader)["total"] == "–"
    assert "Correct the marked numbers" in reader.locator("[role=status]", has_text="per month").inner_text()
    assert reader.url == link, "a wrong number is not put into the address"
    field.fill("30 000 000")
    assert field.get_attribute("aria-invalid") is None
    assert shown(reader) == before


def test_a_field_that_has_a_smaller_limit_says_so(reader: Page):
    reader.get_by_label("Requests that are logged, %").fill("101")
    assert reader.locator("#costs-logged_percent-error").inner_text() == "Enter 100 or less."


def test_the_total_is_announced_and_everything_is_reached_by_keyboard(reader: Page):
    status = reader.locator("[data-costs] [role=status]")
    assert status.get_attribute("aria-atomic") == "true"
    assert status.locator("[data-total]").count() == 1
    reader.get_by_role("button", name="Hobby").focus()
    for name in ("Start-up", "Large", *(v.label for v in PATTERNS[SLUG].volumes.values())):
        reader.keyboard.press("Tab")
        here = "document.activeElement.labels?.[0]?.textContent || document.activeElement.textContent"
        assert reader.evaluate(here) == name
    reader.get_by_role("button", name="Large", exact=True).press("Enter")
    assert shown(reader) == expected(SLUG, PATTERNS[SLUG].size(2))
    field = reader.get_by_label("Writes")
    field.press("Control+a")
    reader.keyboard.type("7")
    assert shown(reader) == expected(SLUG, {**PATTERNS[SLUG].size(2), "writes": 7})


def test_enter_in_a_form_of_one_field_sends_nothing(site: Site, visit: Visit):
    visit.page.goto(address(site, "tunnel-access"))
    visit.page.wait_for_function(ALIVE)
    visit.page.locator("#costs-users").fill("51")
    visit.page.locator("#costs-users").press("Enter")
    visit.page.locator("#costs-users").fill("52")
    assert shown(visit.page) == expected("tunnel-access", {"users": 52})
    assert visit.requests.count(address(site, "tunnel-access")) == 1


def test_the_address_carries_the_volumes_to_a_colleague(site: Site, browser: Browser, reader: Page):
    assert reader.url == address(site, SLUG), "the address is left alone until something changes"
    reader.get_by_label("Requests", exact=True).fill("123456789")
    reader.get_by_label("Keys read by a request").fill("3")
    with Visit(browser, viewport=MOBILE) as colleague:
        colleague.page.goto(reader.url, wait_until="networkidle")
        colleague.page.wait_for_function(ALIVE)
        volumes = {**PATTERNS[SLUG].size(1), "requests": 123_456_789, "keys": 3}
        assert shown(colleague.page) == shown(reader) == expected(SLUG, volumes)
        assert colleague.page.get_by_label("Requests", exact=True).input_value() == "123,456,789"
        colleague.page.wait_for_function(
            "Math.abs(document.querySelector('form[data-costs]').getBoundingClientRect().top) < 100"
        )
        assert colleague.complaints == []


def test_an_address_with_nonsense_is_harmless(site: Site, visit: Visit):
    visit.page.goto(address(site, SLUG, "?requests=%3Cimg%20src=x%20onerror=alert(1)%3E&keys=-1&unknown=5"))
    visit.page.wait_for_function(ALIVE)
    assert shown(visit.page)["total"] == "–"
    assert visit.page.locator("#costs-keys-error").inner_text() == "Enter 0 or more."
    assert visit.page.locator("article img[src=x]").count() == 0
    assert visit.complaints == []


def test_the_volumes_are_there_again_on_the_way_back(site: Site, visit: Visit):
    visit.page.goto(site.url, wait_until="networkidle")
    assert not [u for u in visit.requests if u.endswith("costs.js")], "its script is fetched only where a form stands"
    visit.page.locator("article a", has_text="Global API with KV").first.click()
    visit.page.wait_for_function(ALIVE)
    visit.page.get_by_label("Requests", exact=True).fill("40000000")
    before = shown(visit.page)
    assert before == expected(SLUG, {**PATTERNS[SLUG].size(1), "requests": 40_000_000})
    visit.page.locator("a.md-footer__link--next").click()
    visit.page.locator("#costs-key_ids").wait_for(state="attached")
    visit.page.wait_for_function(ALIVE)
    assert shown(visit.page) == expected("private-machine-api", PATTERNS["private-machine-api"].size(1))
    visit.page.evaluate("void setTimeout(() => history.back())")
    visit.page.locator("#costs-keys").wait_for(state="attached")
    visit.page.wait_for_function(ALIVE)
    assert shown(visit.page) == before
    visit.page.evaluate("scrollTo(0, 500)")
    visit.page.reload()
    visit.page.wait_for_function(ALIVE)
    assert shown(visit.page) == before
    visit.page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(() => setTimeout(done))))")
    assert visit.page.evaluate("scrollY") == 500, "who comes back stays where they were"
    assert visit.complaints == []


def test_nothing_moves_when_the_form_comes_to_life(site: Site, browser: Browser):
    for viewport in (DESKTOP, MOBILE):
        with Visit(browser, viewport=viewport) as visit:
            visit.page.add_init_script("""
                window.shift = 0;
                new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.shift += entry.value; })
                  .observe({ type: "layout-shift", buffered: true });
            """)
            visit.page.goto(address(site, SLUG, "?requests=40000000"), wait_until="networkidle")
            visit.page.wait_for_function(ALIVE)
            visit.page.wait_for_function("scrollY > 0")
            assert visit.page.evaluate("window.shift") == 0, viewport


@pytest.mark.parametrize(
    ("viewport", "scheme"), [(MOBILE, "light"), (DESKTOP, "dark")], ids=["390 px light", "1280 px dark"]
)
def test_axe_finds_nothing_with_everything_open_and_a_wrong_number(
    viewport: dict, scheme: str, site: Site, browser: Browser
):
    with Visit(browser, viewport=viewport, color_scheme=scheme, reduced_motion="reduce") as visit:
        for slug in (SLUG, "hybrid-origins"):
            visit.page.goto(address(site, slug), wait_until="networkidle")
            visit.page.wait_for_function(ALIVE)
            visit.page.get_by_text("The rates behind each line").click()
            visit.page.locator("[data-costs] input").first.fill("many")
            if scheme == "dark":
                visit.page.wait_for_function(
                    "(dark) => getComputedStyle(document.body).backgroundColor === dark", arg=DARK
                )
            visit.page.add_script_tag(path=AXE)
            assert visit.page.evaluate(VIOLATIONS) == [], slug
            assert visit.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], slug


def test_the_reference_page_shows_theirs_and_ours_alike(site: Site, visit: Visit):
    visit.page.goto(f"{site.url}reference/costs/")
    rows = visit.page.locator("#the-vendors-own-examples ~ * table").first.locator("tbody tr")
    assert rows.count() >= 19
    for cells in (row.locator("td").all_inner_texts() for row in rows.all()):
        assert re.fullmatch(r"[\d,]+\.\d\d", cells[1]) and cells[1] == cells[2], cells
