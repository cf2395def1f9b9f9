"""A page prints whole: title, address, drawing and link targets are on the paper, and nothing is cut off."""

import io
from collections.abc import Iterator

import pypdf
import pytest
from playwright.sync_api import Browser

from runtime.browser import Visit
from runtime.site import Site
from tests.support.pages import SLUGS

PAPER = {"width": 680, "height": 960}  # A4 between its margins, in CSS pixels
CUT = """() => {
  const edge = document.querySelector("article").getBoundingClientRect().right;
  // A space at the end of a line hangs over the edge, with the padding of its code: that is nothing to read.
  const over = (e) => e.getBoundingClientRect().right - edge > (getComputedStyle(e).display === "inline" ? 10 : 1);
  const shown = (e) => e.checkVisibility() && e.getClientRects().length;
  return [...document.querySelectorAll("article *:not(svg *)")]
    .filter((e) => shown(e) && (over(e) || (getComputedStyle(e).overflowX !== "visible" && e.clientWidth && e.scrollWidth > e.clientWidth + 1)))
    .map((e) => `${e.tagName}.${e.className}: ${e.textContent.slice(0, 40)}`);
}"""
HIDDEN = "header, .md-sidebar, .copy, .twin, .diagram__bar, .headerlink, .fact__card, .md-footer nav, .costs button"
FAINT = """() => [...document.querySelectorAll("article :is(p, li, td, th, h2, code), figure.diagram text")]
  .map((e) => [getComputedStyle(e)[e.tagName === "text" ? "fill" : "color"], e])
  .filter(([c, e]) => e.checkVisibility() && c.match(/\\d+/g).slice(0, 3).every((v) => v > 140)).map(([c, e]) => `${c} ${e.textContent.slice(0, 30)}`)"""


@pytest.fixture(scope="module")
def reader(browser: Browser) -> Iterator[Visit]:
    """A reader who prefers dark pages and prints them."""
    with Visit(browser, viewport=PAPER, color_scheme="dark") as visit:
        yield visit
        assert visit.complaints == []


class Paper:
    """A PDF whose text is read page by page, as far as a test needs it; reading is what takes the time."""

    def __init__(self, pdf: bytes) -> None:
        self._left = list(pypdf.PdfReader(io.BytesIO(pdf)).pages)
        self.pages = len(self._left)
        self.text = ""

    def shows(self, text: str) -> None:
        """Fail unless the text stands on the paper, wherever its lines break."""
        wanted = "".join(text.split())
        while wanted not in self.text and self._left:
            self.text += "".join(self._left.pop(0).extract_text().split())
        assert wanted in self.text, text


def printed(reader: Visit, site: Site, place: str) -> None:
    reader.page.emulate_media(media="screen")
    reader.page.goto(site.url + place)
    reader.page.emulate_media(media="print")


def whole(reader: Visit, address: str) -> None:
    """Fail if something is cut off, faint, or for the screen only."""
    assert reader.page.evaluate(CUT) == []
    assert reader.page.evaluate(FAINT) == []
    assert (
        reader.page.evaluate(f"[...document.querySelectorAll({HIDDEN!r})].filter((e) => e.checkVisibility()).length")
        == 0
    )
    assert reader.page.locator("article .printed").inner_text() == address
    for drawing in reader.page.locator("figure.diagram svg").all():
        assert 100 < drawing.bounding_box()["height"] < PAPER["height"], "a drawing fits a page"


@pytest.mark.parametrize("place", ["", "guide/mistakes/", "guide/use-cases/", "patterns/", "reference/limits/"])
def test_nothing_of_a_guide_is_cut_off_dark_or_only_for_the_screen(reader: Visit, site: Site, place: str):
    printed(reader, site, place)
    whole(reader, site.url + place)


@pytest.mark.parametrize("slug", SLUGS)
def test_every_pattern_prints_whole(reader: Visit, site: Site, slug: str):
    printed(reader, site, f"patterns/{slug}/")
    whole(reader, f"{site.url}patterns/{slug}/")


@pytest.mark.parametrize("slug", SLUGS[::4])
def test_title_address_and_drawing_of_a_pattern_are_on_the_paper(reader: Visit, site: Site, slug: str):
    printed(reader, site, f"patterns/{slug}/")
    paper = Paper(reader.page.pdf(format="A4"))
    assert 4 <= paper.pages <= 40
    paper.shows(f"{site.url}patterns/{slug}/")
    paper.shows(reader.page.locator("h1").evaluate("e => e.firstChild.textContent"))
    # The labels of the drawing's arrows stand in the paper's text, so the drawing is there.
    labels = reader.page.locator("figure.diagram").first.locator("g.edgeLabel, .messageText").all_text_contents()
    assert len(labels) >= 3
    for label in labels[:3]:
        paper.shows(label)


def test_links_show_where_they_lead_and_closed_parts_are_open(reader: Visit, site: Site):
    printed(reader, site, "patterns/tunnel-access/")
    paper = Paper(reader.page.pdf(format="A4"))
    paper.shows(f"1 / {paper.pages}")
    paper.shows("(https://developers.cloudflare.com/cloudflare-one/")
    paper.shows("The rates behind each line")
    paper.shows("Included when paid")
    paper.shows("(/patterns/secure-egress/)")


def test_the_calculator_prints_as_text_with_the_volumes_that_the_reader_put_in(reader: Visit, site: Site):
    printed(reader, site, "patterns/global-api-kv/?requests=123000000")
    form = reader.page.locator("form.costs")
    assert form.is_visible() and form.locator("table").is_visible()
    assert form.locator("input").first.evaluate("e => getComputedStyle(e).borderTopWidth") == "0px"


def test_the_chooser_prints_its_result_and_not_its_questions(reader: Visit, site: Site):
    printed(reader, site, "guide/decide/?state=tables&who=public")
    whole(reader, f"{site.url}guide/decide/")
    result = reader.page.locator(".chooser__result")
    assert result.is_visible() and not reader.page.locator(".chooser :is(form, button)").first.is_visible()
    paper = Paper(reader.page.pdf(format="A4"))
    paper.shows("First choice")
    paper.shows(result.locator(".chooser__first a").inner_text())
    paper.shows("What fell out, and why")


def test_without_javascript_links_show_their_target_too(site: Site, browser: Browser):
    with Visit(browser, viewport=PAPER, java_script_enabled=False) as visit:
        visit.page.emulate_media(media="print")
        visit.page.goto(site.url + "patterns/r2-uploads/")
        assert visit.page.locator("article li a[href='../background-queues/']").count()
        after = "e => getComputedStyle(e, '::after').content"
        link = visit.page.locator("article li a[href='../background-queues/']").first
        assert (
            "(" in link.evaluate(after) and "attr(href)" in link.evaluate(after)
        ) or "../background-queues/" in link.evaluate(after)
