"""Every page can be taken away as Markdown: whole, with code and sources, by a person or by a program."""

import re
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, expect

from runtime.browser import Visit
from runtime.site import Site
from tests.support.pages import FENCE, every_page, service_ids

NOTE = re.compile(r"^\[\^(?P<id>[a-z0-9-]+)\]: (?P<text>.+)$", re.M)
LINK = re.compile(r"(?<!\^)\]\((?P<url>[^()\s]+)[^()]*\)")


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]+`", "", FENCE.sub("code", text))


@pytest.fixture(scope="module")
def twins(site: Site) -> dict[str, str]:
    """Address of each page to the text of its twin."""
    return {p: (site.folder / p / "index.md").read_text() for p in site.pages()}


def test_every_page_has_a_twin_announces_it_and_links_it(
    site: Site, twins: dict[str, str], soups: dict[str, BeautifulSoup]
):
    assert len(twins) == len(every_page()) + len(service_ids())
    for place, soup in soups.items():
        announced = soup.select_one('link[rel=alternate][type="text/markdown"]')["href"]
        assert announced == soup.select_one("article a[data-twin]")["href"], place
        assert (site.folder / place / announced).resolve() == (site.folder / place / "index.md").resolve()


def test_a_twin_holds_every_heading_and_every_code_block_of_its_page(
    twins: dict[str, str], soups: dict[str, BeautifulSoup]
):
    code = 0
    for place, soup in soups.items():
        headings = [h.get_text().removesuffix("¶").strip() for h in soup.select("article :is(h1, h2, h3, h4)")]
        written = re.findall(r"^#{1,4} (.+)$", FENCE.sub("", twins[place]), re.M)
        assert [re.sub(r"\[\^[\w-]+\]|[`*]", "", h) for h in written] == headings, place
        shown = [pre.get_text().strip() for pre in soup.select("article pre")]
        fenced = [re.sub(rf"^{m['indent']}", "", m["body"], flags=re.M).strip() for m in FENCE.finditer(twins[place])]
        assert fenced == shown, place
        code += len(shown)
    assert code > 200


def test_a_twin_holds_every_row_of_every_table(twins: dict[str, str], soups: dict[str, BeautifulSoup]):
    total = 0
    for place, soup in soups.items():
        rows = [r for r in soup.select("article tr") if not r.find_parent("form")]
        lines = re.findall(r"^\|(?! ?:?-{3}).*\|$", FENCE.sub("", twins[place]), re.M)
        assert len(lines) == len(rows), place
        total += len(rows)
    assert total > 1000


def test_every_figure_of_a_page_has_its_source_and_date_as_a_footnote(
    twins: dict[str, str], soups: dict[str, BeautifulSoup]
):
    figures = 0
    for place, soup in soups.items():
        notes = {m["id"]: m["text"] for m in NOTE.finditer(twins[place])}
        body = NOTE.sub("", twins[place])
        cards = [e for e in soup.select("article .fact__card") if e["id"].startswith("fact-")]
        assert set(re.findall(r"\[\^([a-z0-9-]+)\]", body)) == set(notes), place
        assert set(notes) == {re.sub(r"^fact-\d+-", "", e["id"]) for e in cards}, place
        for name, text in notes.items():
            assert re.search(r"Source: https://\S+ \(.+, \d{4}-\d\d-\d\d, confidence \w+\)\.$", text), (
                f"{place}: {name}"
            )
        for card in cards:
            value = card.find_previous_sibling("button").get_text()
            assert f"{value}[^{re.sub(r'^fact-[0-9]+-', '', card['id'])}]" in re.sub(r"[`*]", "", body), (
                f"{place}: {value}"
            )
        figures += len(cards)
    assert figures > 1000


def test_a_twin_holds_nothing_that_only_our_build_understands(twins: dict[str, str]):
    for place, text in twins.items():
        found = re.search(
            r"\]\((fact|example):|--8<--|<!--|</?(div|span|details|ul|li|svg|br)\b|^ *!!! |\{ ?[.#:]|\n{3}",
            without_code(text),
            re.M,
        )
        assert not found, f"{place}: {found[0]!r}"


def test_every_link_of_a_twin_leads_to_a_twin_to_a_file_or_away(site: Site, twins: dict[str, str]):
    inside = 0
    for place, text in twins.items():
        for match in LINK.finditer(without_code(text)):
            url = match["url"]
            if url.startswith("#"):
                continue
            assert urlsplit(url).scheme in {"http", "https"}, f"{place}: {url} is relative"
            if url.startswith(site.url):
                parts = urlsplit(url)
                target = site.folder / unquote(parts.path).lstrip("/")
                assert (target / "index.html" if parts.query else target).is_file(), f"{place}: {url} is not there"
                inside += 1
    assert inside > 500


def test_the_index_for_language_models_keeps_its_form_and_lists_every_page_once(site: Site, twins: dict[str, str]):
    text = (site.folder / "llms.txt").read_text()
    assert "on workerd where it has a Worker" in " ".join(text.split())
    for page in site.folder.rglob("index.html"):
        assert page.with_suffix(".md").is_file() or "This page moved" in page.read_text(), page
    assert re.match(r"# [^\n]+\n\n> [^\n]+\n\n", text)
    sections = text.split("\n## ")
    assert sections[-1].startswith("Optional\n")
    listed = []
    for section in sections[1:]:
        lines = section.partition("\n\n")[2].strip().split("\n")
        for line in lines:
            entry = re.fullmatch(r"- \[[^\]]+\]\((?P<url>[^)]+)\): .+\.", line)
            assert entry, line
            assert (site.folder / entry["url"].removeprefix(site.url)).is_file(), line
            listed.append(entry["url"].removeprefix(site.url))
    assert sorted(u for u in listed if u.endswith(".md")) == sorted(f"{place}index.md" for place in twins)
    assert len(text.encode()) < 20_000, "an index is read whole"


def test_one_file_holds_every_twin_and_every_source_once(site: Site, twins: dict[str, str]):
    full = (site.folder / "llms-full.txt").read_text()
    for place, text in twins.items():
        body = NOTE.sub("", text.partition("\n---\n")[2]).strip()
        # A link within a page is one to its twin here, where other pages have headings of the same name.
        assert body.replace("](#", f"]({site.url}{place}index.md#") in full, place
    notes = [m["id"] for m in NOTE.finditer(full)]
    assert len(notes) == len(set(notes)) and set(re.findall(r"\[\^([a-z0-9-]+)\]", NOTE.sub("", full))) == set(notes)


def test_one_click_or_one_key_copies_the_twin_and_says_so(site: Site, browser: Browser, twins: dict[str, str]):
    with Visit(browser, permissions=["clipboard-read", "clipboard-write"]) as visit:
        visit.page.goto(site.url + "patterns/global-api-kv/", wait_until="networkidle")
        before = visit.page.locator("h1").bounding_box()
        link = visit.page.get_by_role("link", name="Copy as Markdown")
        link.focus()
        visit.page.keyboard.press("Enter")
        visit.page.get_by_role("status").get_by_text("Copied").wait_for(state="attached")
        assert visit.page.evaluate("navigator.clipboard.readText()") == twins["patterns/global-api-kv/"]
        assert visit.page.locator("h1").bounding_box() == before, "nothing moves when the label changes"
        visit.page.locator("a[data-twin]").click()
        expect(link).to_be_visible()
        assert visit.page.url == site.url + "patterns/global-api-kv/"
        assert visit.complaints == []


def test_where_the_clipboard_is_refused_the_twin_opens(site: Site, browser: Browser):
    with Visit(browser) as visit:
        visit.page.add_init_script(
            "navigator.clipboard.write = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
        )
        visit.page.goto(site.url + "guide/decide/", wait_until="networkidle")
        visit.page.locator("a[data-twin]").click()
        visit.page.wait_for_url("**/guide/decide/index.md")


def test_without_javascript_the_link_says_what_it_does(site: Site, browser: Browser):
    with Visit(browser, java_script_enabled=False) as visit:
        visit.page.goto(site.url)
        assert visit.page.locator("a[data-twin]").inner_text() == "Read as Markdown"
        assert visit.page.locator("a[data-twin]").get_attribute("href") == "index.md"
