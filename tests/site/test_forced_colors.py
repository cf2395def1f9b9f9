"""What a reader sees of a state: where the system forces its colors, each keeps a mark; elsewhere the focus has contrast."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from runtime.browser import DESKTOP, MOBILE, Visit
from runtime.site import Site

PATTERN = "patterns/r2-uploads/"
PAGES = (PATTERN, "guide/decide/?state=tables", "reference/limits/?find=kv", "patterns/")
LOOK = """(element, pseudo) => {
  const style = getComputedStyle(element, pseudo);
  const sides = ["top", "right", "bottom", "left"].map((side) => `border-${side}`);
  const names = ["color", "background-color", "opacity", "font-weight", "text-decoration-line", "text-decoration-style", "text-decoration-thickness",
    "stroke", "stroke-width", "stroke-dasharray", ...["outline", ...sides].flatMap((line) => [`${line}-style`, `${line}-width`, `${line}-color`])];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(name)]));
}"""
# The first of each kind of thing that answers to the pointer or takes the focus.
KINDS = """(all) => {
  const seen = new Set();
  return [...document.querySelectorAll(all)].filter((element) => {
    const box = element.getBoundingClientRect();
    const kind = `${element.tagName} ${element.getAttribute("class")} ${element.parentElement.getAttribute("class")}`;
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: false }) || !box.width || seen.has(kind)) return false;
    seen.add(kind);
    element.dataset.kind = kind;
    return getComputedStyle(element).pointerEvents !== "none";
  }).map((element) => element.dataset.kind);
}"""
POINTED = "a[href]:not(.md-skip), button, summary, select, .chooser label, .md-nav__link, .finder input, .costs input, article tbody tr"
# Returns the contrast of the focus ring with what lies around it, for an element that was just focused by keyboard.
RING = """(element) => {
  const ringed = [element, element.nextElementSibling, element.closest("label")].find((e) => e && getComputedStyle(e).outlineStyle !== "none");
  if (!ringed) return 0;
  const rgba = (color) => { const [r, g, b, a = 1] = color.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
  let behind = [255, 255, 255];
  const layers = [];
  for (let e = ringed.parentElement; e; e = e.parentElement) layers.unshift(rgba(getComputedStyle(e).backgroundColor));
  const over = ([r, g, b, a], under) => [r, g, b].map((v, i) => v * a + under[i] * (1 - a));
  for (const layer of layers) behind = over(layer, behind);
  const light = (color) => color.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const [a, b] = [light(over(rgba(getComputedStyle(ringed).outlineColor), behind)), light(behind)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


def look(element: Locator, pseudo: str | None = None) -> dict[str, str]:
    return element.evaluate(LOOK, pseudo)


def kinds(page: Page, selector: str) -> list[tuple[str, Locator]]:
    """Return the first of each kind of element that is seen on the page."""
    found = page.evaluate(KINDS, selector)
    return [(kind, page.locator(f'[data-kind="{kind}"]')) for kind in found]


@pytest.fixture(params=["light", "dark"])
def forced(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Visit]:
    """A reader whose system forces its colors."""
    with Visit(browser, forced_colors="active", color_scheme=request.param, reduced_motion="reduce") as visit:
        yield visit
        assert visit.complaints == []


def test_what_the_search_found_and_what_is_chosen_is_marked(forced: Visit, site: Site):
    page = forced.page
    page.goto(site.url)
    page.keyboard.press("/")
    page.get_by_role("combobox").fill("presigned upload")
    options = page.get_by_role("option")
    expect(options.nth(1)).to_be_visible()
    assert look(options.nth(0)) != look(options.nth(1))
    match, around = look(options.nth(0).locator("mark").first), look(options.nth(0))
    assert match["text-decoration-line"] == "underline"
    assert match["color"] == around["color"], "a match is read like the words around it"
    assert match["background-color"] in (
        around["background-color"],
        page.evaluate("getComputedStyle(document.querySelector('dialog')).backgroundColor"),
    )
    page.keyboard.press("Enter")
    page.wait_for_function("CSS.highlights.get('search')?.size > 3")
    article = page.locator("article")
    words = look(article, "::highlight(search)")
    assert (
        words["color"] != look(article)["color"]
        and words["background-color"] != look(page.locator("body"))["background-color"]
    )


def test_where_the_reader_is_is_marked(forced: Visit, site: Site):
    page = forced.page
    page.goto(f"{site.url}{PATTERN}#when-it-fails", wait_until="networkidle")
    here = page.locator(".md-nav--primary a.md-nav__link--active")
    assert look(here) != look(page.locator(".md-nav--primary a", has_text="Image pipeline"))
    contents = page.locator(".md-sidebar--secondary a.md-nav__link")
    expect(page.locator(".md-sidebar--secondary a[href='#when-it-fails']")).to_have_class(
        "md-nav__link md-nav__link--passed md-nav__link--active"
    )
    passed, active = look(contents.first), look(page.locator(".md-sidebar--secondary .md-nav__link--active"))
    ahead = look(contents.last)
    assert passed != active and active != ahead and ahead != passed


def test_what_is_checked_wrong_closed_or_taken_is_marked(forced: Visit, site: Site):
    page = forced.page
    page.goto(f"{site.url}guide/decide/?state=tables")
    expect(page.locator(".chooser__result h3").first).to_be_visible()
    checked, other = page.locator("label:has(:checked) b"), page.locator("label:not(:has(:checked)) b")
    assert look(checked.first) != look(other.first)
    page.goto(site.url + PATTERN, wait_until="networkidle")
    field = page.locator(".costs input").first
    before = look(field)
    field.fill("many")
    field.blur()
    page.mouse.move(0, 0)
    assert look(field) != before
    marker = look(page.locator("article details:not(.diagram__bar *) summary").first, "::after")
    assert marker["background-color"] != look(page.locator("body"))["background-color"], "the arrow is seen"
    line = page.locator("#diagram-1 :is(.flowchart-link, .messageLine0)").nth(1)
    plain = look(line)
    line.evaluate("e => { e.classList.add('is-path'); e.closest('figure').classList.add('diagram--path') }")
    taken = look(line)
    assert float(taken["stroke-width"].removesuffix("px")) > float(plain["stroke-width"].removesuffix("px"))
    line.evaluate("e => e.classList.add('is-refused')")
    assert look(line) != taken
    box, text = (
        page.locator("#diagram-1 :is(rect.actor, .label-container)").first,
        page.locator("#diagram-1 text").first,
    )
    assert box.evaluate("e => getComputedStyle(e).fill") != text.evaluate("e => getComputedStyle(e).fill")


def test_a_chosen_light_page_can_be_read_where_the_system_is_dark(browser: Browser, site: Site):
    with Visit(browser, forced_colors="active", color_scheme="dark") as visit:
        visit.page.goto(site.url + PATTERN)
        visit.page.locator(".md-header label[title='Switch to light mode']").click()
        fill = "e => getComputedStyle(e).fill"
        box = visit.page.locator("#diagram-1 :is(rect.actor, .label-container)").first.evaluate(fill)
        assert (box, visit.page.locator("#diagram-1 text").first.evaluate(fill)) == (
            "rgb(0, 0, 0)",
            "rgb(255, 255, 255)",
        )


@pytest.mark.parametrize("place", PAGES)
def test_what_the_pointer_rests_on_is_marked(forced: Visit, site: Site, place: str):
    page = forced.page
    page.goto(site.url + place, wait_until="networkidle")
    unmarked = []
    for kind, element in kinds(page, POINTED):
        page.mouse.move(0, 0)
        element.evaluate("e => e.scrollIntoView({ block: 'center', behavior: 'instant' })")
        before = look(element)
        element.hover(force=True)
        if look(element) == before:
            unmarked.append(kind)
    assert not unmarked, "\n".join(unmarked)


@pytest.mark.parametrize("colours", ["light", "dark", "forced"])
@pytest.mark.parametrize("size", [DESKTOP, MOBILE], ids=["desktop", "phone"])
def test_the_focus_has_a_ring_that_is_seen(browser: Browser, site: Site, colours: str, size: dict[str, int]):
    options = {"forced_colors": "active"} if colours == "forced" else {"color_scheme": colours}
    with Visit(browser, viewport=size, reduced_motion="reduce", **options) as visit:
        page, faint = visit.page, []
        for place in PAGES if size is DESKTOP else PAGES[:2]:
            page.goto(site.url + place, wait_until="networkidle")
            if size is MOBILE:
                page.get_by_role("button", name="Navigation").press("Enter")
            page.keyboard.press("Tab")
            for kind, element in kinds(page, f"{POINTED}, [tabindex='0'], .md-option:checked"):
                element.focus()
                if (
                    page.evaluate("document.activeElement.dataset.kind") == kind
                    and (ring := element.evaluate(RING)) < 3
                ):
                    faint.append((place, kind, round(ring, 2)))
        assert not faint, "\n".join(map(str, faint))
