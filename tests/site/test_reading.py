"""The pages in real Chromium: quiet, fast, readable, and usable by keyboard and screen reader."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Response

from runtime.browser import DESKTOP, MOBILE, Visit
from runtime.site import Site
from tests.support.eyes import WATCH_SHIFTS, axe
from tests.support.pages import every_page, pattern_pages

# The survey opens every page once; on a busy machine that takes minutes.
FIRST_VISIT_LIMIT_BYTES = 120_000
HEAVIEST = "patterns/private-machine-api/"
DARK = "rgb(16, 21, 31)"
SERVICES = "the pages of services"


DIAGRAM_FAULTS = """
() => [...document.querySelectorAll("figure:is(.diagram, .chart) svg")].flatMap((svg, i) => {
  const scale = svg.viewBox.baseVal.width ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
  const faults = [];
  const name = `diagram ${i + 1}`;
  if (!svg.querySelector("title") || !svg.querySelector("desc")) faults.push(`${name} has no text alternative`);
  for (const text of svg.querySelectorAll("text")) {
    const size = parseFloat(getComputedStyle(text).fontSize) * scale;
    if (size < 11.99) faults.push(`${name}: "${text.textContent}" is ${size.toFixed(1)} px high`);
    const frame = text.closest(".node") ?? text.parentElement;
    const shape = frame.querySelector(":scope > rect.actor, :scope > .label-container, :scope > .shape, :scope > a > .label-container");
    if (!shape) continue;
    const [inner, outer] = [text.getBoundingClientRect(), shape.getBoundingClientRect()];
    if (inner.left < outer.left - 1 || inner.right > outer.right + 1 || inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1)
      faults.push(`${name}: "${text.textContent}" leaves its box`);
  }
  const page = svg.getBoundingClientRect();
  for (const text of svg.querySelectorAll("text")) {
    const box = text.getBoundingClientRect();
    if (box.left < page.left - 1 || box.right > page.right + 1) faults.push(`${name}: "${text.textContent}" leaves the picture`);
  }
  return faults;
})
"""


# Opens one card after the other and returns how near it comes to an edge, with its value.
CARD_GAPS = """
() => [...document.querySelectorAll(".fact__value, .term__word")].filter((value) => value.checkVisibility()).map((value) => {
  value.scrollIntoView({ block: "center" });
  value.click();
  const card = document.querySelector(".fact__card:popover-open");
  const { left, right, top, bottom } = card.getBoundingClientRect();
  card.hidePopover();
  return [value.textContent, Math.min(left, innerWidth - right, top, innerHeight - bottom)];
})
"""


@dataclass
class Seen:
    """What one page showed when it was opened once.

    Attributes:
        hosts: every host that was asked.
        complaints: what the console and the network said.
        violations: what axe found.
        shift: by how much the page moved while it loaded (cumulative layout shift).
        faults: width of the window to what is wrong with its diagrams there.
        width: width of the window to width of the page.
    """

    hosts: set[str]
    complaints: list[str]
    violations: list[list]
    shift: float
    faults: dict[int, list[str]] = field(default_factory=dict)
    width: dict[int, int] = field(default_factory=dict)


def kinds(page: str) -> set[tuple[str, ...]]:
    """Return the kinds of elements in a page's article: name, classes, role."""
    article = BeautifulSoup(page, "html.parser").select_one("article")
    return {(e.name, *e.get("class", ()), e.get("role", "")) for e in article.find_all(True)}


def samples(site: Site, places: list[str]) -> list[str]:
    """Return only as many of these pages as show all kinds of elements that they have."""
    texts = {place: (site.folder / place / "index.html").read_text(encoding="utf-8") for place in places}
    seen, chosen = set(), []
    for place in sorted(places, key=lambda place: -len(texts[place])):
        if new := kinds(texts[place]) - seen:
            seen |= new
            chosen.append(place)
    return chosen


@pytest.fixture(scope="module")
def reader(browser: Browser) -> Iterator[Visit]:
    """A reader who opens one page after the other."""
    with Visit(browser, reduced_motion="reduce") as visit:
        visit.page.add_init_script(WATCH_SHIFTS)
        yield visit


@pytest.fixture(scope="module", params=[*(p.place for p in every_page()), SERVICES])
def survey(request: pytest.FixtureRequest, site: Site, reader: Visit) -> dict[str, Seen]:
    """What one page of the site shows, opened once, as all tests of this file need it; or each sample of a service's page."""
    own = request.param.removeprefix("docs/").removesuffix(".md").removesuffix("index").rstrip("/")
    services = [place for place in site.pages() if re.fullmatch("services/.+", place)]  # one template makes them
    places = samples(site, services) if request.param == SERVICES else [own and f"{own}/"]
    return {place: opened(site, reader, place) for place in places}


def opened(site: Site, visit: Visit, place: str) -> Seen:
    visit.requests.clear()
    visit.complaints.clear()
    visit.page.emulate_media(color_scheme="light", reduced_motion="reduce")
    visit.page.goto(site.url + place, wait_until="networkidle")
    hosts = {urlsplit(u).netloc for u in visit.requests if not u.startswith("data:")}
    seen = Seen(hosts, visit.complaints[:], axe(visit), visit.page.evaluate("window.shift"))
    for size in (DESKTOP, MOBILE):
        visit.page.set_viewport_size(size)
        seen.faults[size["width"]] = visit.page.evaluate(DIAGRAM_FAULTS)
        seen.width[size["width"]] = visit.page.evaluate("document.documentElement.scrollWidth")
    visit.page.set_viewport_size(DESKTOP)
    return seen


def test_no_page_asks_another_host_or_complains(site: Site, survey: dict[str, Seen]):
    for place, seen in survey.items():
        assert seen.complaints == [], place
        assert seen.hosts == {urlsplit(site.url).netloc}, place


def test_axe_finds_no_violation(survey: dict[str, Seen]):
    for place, seen in survey.items():
        assert seen.violations == [], place


def test_in_the_dark_every_kind_of_element_has_contrast(site: Site, reader: Visit):
    """Nothing but colours differs, and these hang on the kind of element."""
    places = samples(site, site.pages())
    assert len(places) >= 8
    reader.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    for place in places:
        reader.page.goto(site.url + place)
        reader.page.wait_for_function("(dark) => getComputedStyle(document.body).backgroundColor === dark", arg=DARK)
        assert axe(reader, "color-contrast") == [], place


def test_no_page_moves_while_it_loads(survey: dict[str, Seen]):
    for place, seen in survey.items():
        assert seen.shift == 0, place


@pytest.mark.parametrize("width", [390, 1280])
def test_every_diagram_is_readable_and_no_page_scrolls_sideways(survey: dict[str, Seen], width: int):
    for place, seen in survey.items():
        assert seen.faults[width] == [], place
        assert seen.width[width] <= width, place


def test_a_reader_reaches_every_page_by_going_on(site: Site, soups: dict[str, BeautifulSoup]):
    """From each page to the next, and from the list of services to each of theirs: the survey above reads them."""
    seen, place = [], ""
    while place not in seen:
        seen.append(place)
        if following := soups[place].select_one("a.md-footer__link--next"):
            place = urljoin(place, following["href"]).removeprefix("./")
    listed = {urljoin("services/", a["href"]) for a in soups["services/"].select("article td:first-child a")}
    assert {*seen, *listed} == set(site.pages())


def test_the_links_in_a_diagram_are_reached_by_keyboard(site: Site, visit: Visit):
    for page in pattern_pages():
        visit.page.goto(f"{site.url}patterns/{page.slug}/")
        links = visit.page.locator("figure.diagram svg a")
        assert links.count() > 0, page.slug
        links.first.focus()
        assert visit.page.evaluate("document.activeElement.getAttribute('href')").startswith("https://"), page.slug


def test_a_diagram_opens_large_and_closes_by_keyboard_and_its_source_can_be_copied(site: Site, browser: Browser):
    with Visit(browser, permissions=["clipboard-read", "clipboard-write"]) as visit:
        visit.page.goto(site.url + HEAVIEST)
        enlarge = visit.page.get_by_role("button", name="Enlarge").first
        enlarge.focus()
        visit.page.keyboard.press("Enter")
        assert visit.page.get_by_role("button", name="Close").evaluate("e => e === document.activeElement")
        visit.page.keyboard.press("Escape")
        assert visit.page.locator("dialog").count() == 0
        assert enlarge.evaluate("e => e === document.activeElement")
        visit.page.get_by_role("button", name="Copy Mermaid").first.click()
        assert visit.page.evaluate("navigator.clipboard.readText()").startswith("flowchart")


def test_copying_a_transcript_takes_only_the_commands(site: Site, browser: Browser):
    with Visit(browser, permissions=["clipboard-read", "clipboard-write"]) as visit:
        visit.page.goto(f"{site.url}patterns/global-api-kv/")
        block = visit.page.locator(".language-console", has_text="curl").first
        block.hover()
        block.locator(".copy").click()
        copied = visit.page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("curl") and "HTTP/" not in copied and "$ " not in copied


def test_what_is_selected_by_hand_is_the_text_without_the_buttons_beside_it(site: Site, browser: Browser):
    with Visit(browser, permissions=["clipboard-read", "clipboard-write"]) as visit:
        page = visit.page
        page.goto(site.url + HEAVIEST, wait_until="networkidle")
        page.evaluate("getSelection().selectAllChildren(document.querySelector('article'))")
        page.keyboard.press("Control+c")
        copied = page.evaluate("navigator.clipboard.readText()")
        fact, heading = page.locator(".fact__value").first.inner_text(), page.locator("h2").first.inner_text()
        assert fact in copied and heading.removesuffix("¶") in copied and "$ curl" in copied
        for button in ("Copy", "Enlarge", "Copy Mermaid", "Copy as Markdown"):
            assert page.get_by_text(button, exact=True).count() > 0
            assert button not in copied.splitlines(), button
        assert "¶" not in copied


@pytest.mark.parametrize("width", [390, 1280])
def test_the_card_of_a_fact_keeps_away_from_the_edges_of_the_window(site: Site, browser: Browser, width: int):
    with Visit(browser, viewport={"width": width, "height": 844}) as visit:
        visit.page.goto(site.url + HEAVIEST, wait_until="networkidle")
        gaps = visit.page.evaluate(CARD_GAPS)
        assert len(gaps) > 30
        assert [(text, gap) for text, gap in gaps if gap < 8] == []


def test_a_fact_opens_its_source_without_javascript(site: Site, browser: Browser):
    with Visit(browser, java_script_enabled=False) as visit:
        visit.page.goto(f"{site.url}patterns/global-api-kv/")
        value = visit.page.locator("button.fact__value").first
        card = visit.page.locator(".fact .fact__card").first
        assert not card.is_visible()
        value.focus()
        visit.page.keyboard.press("Enter")
        assert card.is_visible()
        assert card.locator("a").get_attribute("href").startswith("https://")
        assert re.search(r"\d{4}-\d\d-\d\d", card.inner_text())


def test_without_javascript_every_word_is_there(site: Site, browser: Browser):
    with Visit(browser, java_script_enabled=False) as visit:
        visit.page.goto(f"{site.url}patterns/global-api-kv/")
        assert visit.page.locator("figure.diagram svg").is_visible()
        assert not visit.page.get_by_role("button", name="Enlarge").is_visible()
        visit.page.get_by_text("Mermaid source").click()
        assert "flowchart" in visit.page.locator("figure.diagram details pre").inner_text()


def test_a_first_visit_is_light_also_when_scrolled_to_its_end(site: Site, browser: Browser):
    for place in (HEAVIEST, "patterns/global-api-kv/", "reference/limits/"):
        with Visit(browser, viewport=MOBILE) as visit:
            answers: list[Response] = []
            visit.page.on("response", lambda r, answers=answers: answers.append(r))
            visit.page.add_init_script(WATCH_SHIFTS)
            visit.page.goto(site.url + place, wait_until="networkidle")
            visit.page.mouse.wheel(0, 20_000)
            visit.page.wait_for_function(
                "scrollY + innerHeight + 2 > document.documentElement.scrollHeight || scrollY > 19_000"
            )
            visit.page.wait_for_load_state("networkidle")
            visit.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            sizes = {
                r.url: len(r.body() if r.url.endswith((".woff2", ".png")) else gzip.compress(r.body())) for r in answers
            }
            assert sum(sizes.values()) <= FIRST_VISIT_LIMIT_BYTES, f"{place}: {sum(sizes.values())} bytes: {sizes}"
            assert visit.page.evaluate("window.shift") == 0, place


def test_on_a_phone_a_wide_table_is_a_list_whose_cells_name_their_columns(site: Site, browser: Browser):
    with Visit(browser, viewport={"width": 390, "height": 844}) as visit:
        visit.page.goto(f"{site.url}/patterns/hybrid-origins/")
        table = visit.page.locator(".rows table", has_text="One site is killed")
        label = table.locator("td").nth(1).evaluate("cell => getComputedStyle(cell, '::before').content")
        assert label.replace('" "', "") == '"Visitors see: "'
        box, frame = table.bounding_box(), table.locator("xpath=../..").bounding_box()
        assert box["width"] <= frame["width"] <= 390


@pytest.mark.parametrize("size", [DESKTOP, MOBILE], ids=["desktop", "phone"])
def test_no_line_breaks_within_an_option_of_a_command(site: Site, browser: Browser, size: dict[str, int]):
    with Visit(browser, viewport=size) as visit:
        visit.page.goto(f"{site.url}/patterns/edge-ai-rag/")
        lines = visit.page.evaluate(
            "[...document.querySelectorAll('.option')].map(option => option.getClientRects().length)"
        )
        assert len(lines) > 10 and set(lines) == {1}
