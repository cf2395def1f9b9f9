"""Search: the right page first for what people really ask, misspelled too, by keyboard, and nothing loaded before it is wanted."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, expect

from hooks.page import tree
from hooks.page.search import document, parse, sections
from model.products import products
from runtime import toolchain
from runtime.browser import DESKTOP, MOBILE, Visit
from runtime.site import Site, serve
from tests.support.pages import ROOT, PageSource, pattern_pages, service_ids

FOLDER = ROOT / "tests" / "site"
QUERIES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "search_queries.yml").read_text())
LATER: dict[str, list[dict[str, Any]]] = yaml.safe_load((FOLDER / "search_later.yml").read_text())
HALVES = {"tuned on": slice(0, None, 2), "held out": slice(1, None, 2)}
LOADED = re.compile(r"/(search|minisearch)[\w.]*\.(js|css)$|/search/")
AXE = toolchain.NODE_MODULES / "axe-core" / "axe.min.js"
VIOLATIONS = "axe.run().then((r) => r.violations.map((v) => [v.id, v.nodes.map((n) => n.target.join(' '))]))"


def opened(visit: Visit) -> None:
    visit.page.keyboard.press("/")
    visit.page.get_by_role("dialog", name="Search").wait_for()


Asked = Callable[[list[str]], list[list[str]]]


@pytest.fixture(scope="module")
def asked(site: Site) -> Iterator[Asked]:
    """What the built site's scripts find for each query, the best first; they run without a browser."""
    scripts = ["assets/vendor/minisearch.*.js", "assets/search.*.js", "search/index.js"]
    files = [next(site.folder.glob(name)) for name in scripts]
    command = [toolchain.node(), ROOT / "tests" / "support" / "search.mjs", *files]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as node:

        def ask(queries: list[str]) -> list[list[str]]:
            node.stdin.write(json.dumps(queries) + "\n")
            node.stdin.flush()
            return json.loads(node.stdout.readline())

        yield ask


def missed(asked: Asked, chosen: list[dict[str, Any]]) -> list[str]:
    """Return the queries that do not put a right page first, with what they find."""
    right = [[q["page"]] if isinstance(q["page"], str) else q["page"] for q in chosen]
    return [
        f"{q['ask']!r} gives {found[:1]}, not {pages}"
        for q, pages, found in zip(chosen, right, asked([q["ask"] for q in chosen]), strict=True)
        if not found or found[0] not in pages
    ]


def test_the_right_page_comes_first_for_95_of_100_questions(asked: Asked):
    assert len(QUERIES) == len({q["ask"] for q in QUERIES}) >= 100
    assert {q["page"] for q in QUERIES} >= {f"patterns/{p.slug}/" for p in pattern_pages()}
    assert len(wrong := missed(asked, QUERIES)) <= len(QUERIES) // 20, wrong


@pytest.mark.parametrize(
    ("kind", "half", "most_wrong"),
    [("questions", "tuned on", 3), ("terms", "tuned on", 4), ("questions", "held out", 13), ("terms", "held out", 5)],
)
def test_a_right_page_comes_first_also_for_queries_that_came_later(kind: str, half: str, most_wrong: int, asked: Asked):
    chosen = LATER[kind][HALVES[half]]
    assert len(chosen) == len({q["ask"] for q in chosen}) == 50
    assert len(wrong := missed(asked, chosen)) <= most_wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("run_worker_first", "static-site-api"),
        ("SameSite=Lax", "fullstack-d1"),
        ("cosine", "edge-ai-rag"),
        ("metric=cosine", "edge-ai-rag"),
        ("0001_jobs.sql", "background-queues"),
        ("setWebSocketAutoResponse", "realtime-durable-objects"),
        ("websocket auto response", "realtime-durable-objects"),
        ("amz-meta-owner", "r2-uploads"),
    ],
)
def test_a_name_in_code_leads_to_its_page_as_a_whole_and_by_its_parts(query: str, page: str, asked: Asked):
    assert asked([query])[0][:1] == [f"patterns/{page}/"]


def test_a_statement_in_code_is_found_by_its_words(asked: Asked):
    assert "patterns/hyperdrive-database/" in asked(["SELECT ... FOR UPDATE"])[0][:3]


@pytest.mark.parametrize("name", ["Sec-Fetch-Site", "waitUntil", "run_worker_first", "Retry-After"])
def test_the_pages_that_hold_a_name_come_before_all_others(name: str, asked: Asked, site: Site):
    texts = {page: tree.parse((site.folder / page / "index.html").read_text("utf-8")) for page in site.pages()}
    pages = {page for page, body in texts.items() if re.search(rf"\b{name}\b", body.css_first("article").text())}
    assert len(pages) >= 3 and set(asked([name])[0][: len(pages)]) == pages


@pytest.mark.parametrize(
    ("typed", "page"),
    [
        ("hyperd", "patterns/hyperdrive-database/"),
        ("connect to postg", "patterns/hyperdrive-database/"),
        ("presig", "patterns/r2-uploads/"),
        ("presi", "patterns/r2-uploads/"),
        ("websocket hiber", "patterns/realtime-durable-objects/"),
        ("run_worker_f", "patterns/static-site-api/"),
    ],
)
def test_half_a_word_is_enough(typed: str, page: str, asked: Asked):
    assert asked([typed])[0][:1] == [page]


def test_number_and_accents_change_nothing(asked: Asked):
    one, many, accented = asked(["queue", "Queues", "quéùe"])
    assert one == many == accented


def test_a_misspelled_word_is_found_too(asked: Asked):
    misspelled = [q for q in QUERIES if q.get("typed")]
    assert len(misspelled) >= 25
    assert len(wrong := missed(asked, misspelled)) <= 1, wrong


@pytest.mark.parametrize("page", [pytest.param(p, id=p.slug) for p in pattern_pages()])
def test_search_finds_the_pattern_by_its_product_names(asked: Asked, page: PageSource):
    entries = [products()[service] for service in page.meta["services"]]
    names = [name for e in entries for name in (e["name"], *filter(None, e.get("formerly", "").split(", ")))]
    for name, found in zip(names, asked(names), strict=True):
        assert f"patterns/{page.slug}/" in found[:40], name


def test_the_name_of_a_product_leads_to_its_page_or_to_a_pattern_that_is_called_by_it(asked: Asked):
    ids = list(service_ids())
    for service, (first, *_) in zip(ids, asked([products()[i]["name"] for i in ids]), strict=True):
        names = {s for p in pattern_pages() if first == f"patterns/{p.slug}/" for s in p.meta["services"]}
        assert first == f"services/{service}/" or service in names, (service, first)


def test_nothing_of_the_search_is_loaded_before_somebody_reaches_for_it(site: Site, visit: Visit):
    visit.page.goto(site.url, wait_until="networkidle")
    visit.page.mouse.move(400, 500)
    visit.page.mouse.wheel(0, 5000)
    visit.page.locator("a.md-footer__link--next").click()
    visit.page.wait_for_url("**/guide/how-to-read/")
    visit.page.wait_for_load_state("networkidle")
    assert not [url for url in visit.requests if LOADED.search(url)]
    with visit.page.expect_response("**/search/index.js"):
        visit.page.get_by_role("button", name="Search").focus()
    visit.page.wait_for_load_state("networkidle")
    assert len({url for url in visit.requests if LOADED.search(url)}) == 4
    visit.page.get_by_role("button", name="Search").click()
    visit.page.get_by_role("combobox").fill("queues")
    expect(visit.page.get_by_role("option").first).to_be_visible()
    assert len([url for url in visit.requests if LOADED.search(url)]) == 4, "each file is asked for once"


@pytest.mark.parametrize("viewport", [MOBILE, DESKTOP], ids=["390 px", "1280 px"])
def test_search_works_by_keyboard_and_says_how_many_pages_it_found(
    viewport: dict[str, int], site: Site, browser: Browser
):
    with Visit(browser, viewport=viewport, reduced_motion="reduce") as visit:
        page = visit.page
        page.goto(site.url, wait_until="networkidle")
        page.keyboard.press("/")
        page.keyboard.type("websoket rooms")
        box, options = page.get_by_role("combobox", name="Search"), page.get_by_role("option")
        expect(options.first).to_be_visible()
        expect(box).to_have_value("websoket rooms")
        expect(page.get_by_role("dialog").get_by_role("status")).to_have_text(re.compile(r"^\d+ pages found\.$"))
        assert box.get_attribute("aria-expanded") == "true"
        assert options.first.get_attribute("aria-selected") == "true"
        assert options.first.locator("mark").count() > 0
        page.keyboard.press("ArrowUp")
        assert options.last.get_attribute("aria-selected") == "true"
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        chosen = page.locator("[role=option][aria-selected=true]")
        assert box.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
        assert "/patterns/realtime-durable-objects/#" in chosen.evaluate("e => e.href"), (
            "the second line is a section of the first page"
        )
        address = chosen.evaluate("e => e.href")
        page.keyboard.press("Enter")
        page.wait_for_url(address)
        assert page.get_by_role("dialog").count() == 0
        page.wait_for_function("CSS.highlights.get('search')?.size > 3")
        page.wait_for_function(
            "(top => top >= 48 && top < 200)(document.querySelector(':target').getBoundingClientRect().top)"
        )
        page.keyboard.press("/")
        box.fill("zzzz qqqq")
        expect(page.get_by_role("dialog").get_by_role("status")).to_have_text(re.compile("No page found"))
        assert options.count() == 0 and box.get_attribute("aria-expanded") == "false"
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="hidden")
        assert page.url == address
        page.locator("a.md-footer__link--next").click()
        page.wait_for_url(re.compile("patterns/r2-uploads/$"))
        opened(visit)
        assert page.evaluate("CSS.highlights.size") == 0, "the next page is not what was searched for"
        assert visit.complaints == []


def test_the_words_are_marked_on_the_page_where_the_reader_is_already(site: Site, visit: Visit):
    visit.page.goto(f"{site.url}patterns/r2-uploads/", wait_until="networkidle")
    for kind in ("section", "page"):
        opened(visit)
        visit.page.get_by_role("combobox").fill("presigned upload")
        visit.page.locator(f".search__option--{kind}[href*='patterns/r2-uploads/']").first.click()
        visit.page.wait_for_function(
            "!document.querySelector('dialog[open]') && CSS.highlights.get('search')?.size > 3"
        )
    assert visit.complaints == []


def test_enter_that_ends_a_composition_chooses_nothing(site: Site, visit: Visit):
    page = visit.page
    page.goto(site.url)
    opened(visit)
    box = page.get_by_role("combobox")
    box.fill("queues ")
    expect(page.get_by_role("option").first).to_be_visible()
    method = page.context.new_cdp_session(page)
    method.send("Input.imeSetComposition", {"text": "対列", "selectionStart": 2, "selectionEnd": 2})
    page.evaluate("addEventListener('keydown', (e) => (window.composing = e.isComposing), true)")
    first = page.get_by_role("option").first.get_attribute("id")
    for key in ("ArrowDown", "Enter"):
        page.keyboard.press(key)
        assert page.evaluate("composing"), "the browser says that the key belongs to the composition"
    # Safari says it by the code alone, when the composition has already ended.
    box.evaluate("e => e.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true }))")
    assert page.get_by_role("dialog").is_visible() and page.url == site.url
    assert box.get_attribute("aria-activedescendant") in (first, None)
    method.send("Input.insertText", {"text": ""})
    box.fill("queues")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("queues/"))


def test_a_slash_in_a_field_stays_a_slash(site: Site, visit: Visit):
    visit.page.goto(f"{site.url}reference/limits/", wait_until="networkidle")
    visit.page.locator(".finder input").press_sequentially("a/b")
    assert visit.page.locator(".finder input").input_value() == "a/b"
    assert visit.page.get_by_role("dialog").count() == 0


def test_what_somebody_types_is_text_and_never_markup(site: Site, visit: Visit):
    visit.page.goto(site.url)
    opened(visit)
    visit.page.get_by_role("combobox").fill("<img src=x onerror=alert(1)> queues")
    expect(visit.page.get_by_role("option").first).to_be_visible()
    assert visit.page.locator("dialog img").count() == 0
    assert visit.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [MOBILE, DESKTOP], ids=["390 px", "1280 px"])
def test_axe_finds_nothing_in_the_open_search(scheme: str, viewport: dict[str, int], site: Site, browser: Browser):
    with Visit(browser, viewport=viewport, color_scheme=scheme, reduced_motion="reduce") as visit:
        visit.page.goto(site.url)
        opened(visit)
        visit.page.get_by_role("combobox").fill("kv limits")
        expect(visit.page.get_by_role("option").first).to_be_visible()
        visit.page.add_script_tag(path=AXE)
        assert visit.page.evaluate(VIOLATIONS) == []
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_search_works_below_another_folder(site: Site, browser: Browser):
    with serve(site.folder.parent) as url, Visit(browser) as visit:
        root = f"{url}{site.folder.name}/"
        visit.page.goto(f"{root}guide/quick-start/", wait_until="networkidle")
        opened(visit)
        visit.page.get_by_role("combobox").fill("presigned url for an upload")
        visit.page.get_by_role("option").first.click()
        visit.page.wait_for_url(f"{root}patterns/r2-uploads/")
        assert visit.complaints == []


def test_a_search_that_cannot_be_loaded_says_so_and_can_be_tried_again(site: Site, browser: Browser):
    with Visit(browser) as visit:
        visit.page.route("**/search/index.js", lambda route: route.abort())
        visit.page.goto(site.url)
        opened(visit)
        expect(visit.page.get_by_role("dialog").get_by_role("status")).to_have_text("The search could not be loaded.")
        visit.page.unroute("**/search/index.js")
        visit.page.keyboard.press("Escape")
        visit.page.get_by_role("dialog").wait_for(state="hidden")
        visit.page.get_by_role("button", name="Search").click()
        visit.page.get_by_role("combobox").fill("queues")
        expect(visit.page.get_by_role("option").first).to_be_visible()


def test_the_engine_is_the_one_of_the_package():
    shipped = ROOT / "docs" / "assets" / "vendor"
    package = toolchain.NODE_MODULES / "minisearch"
    assert (shipped / "minisearch.js").read_bytes() == (package / "dist" / "umd" / "index.js").read_bytes()
    assert (shipped / "minisearch-LICENSE.txt").read_bytes() == (package / "LICENSE.txt").read_bytes()


def test_a_page_is_cut_at_its_headings_what_is_excluded_stays_out_and_of_code_only_new_names_are_kept():
    html = (
        '<h1 id="t">Title<a class="headerlink" href="#t">¶</a></h1><p>Lead <b>one</b>.</p><p>Two &lt;3</p>'
        '<h2 id="a">First</h2><div><span data-search-exclude>no <span>not this</span> nor this</span>yes</div><pre><code>one = <b>env</b>.JOBS_1.sendBatch(x-y, 42)</code></pre>'
        "<ul><li>x</li><li>y</li></ul>"
    )
    assert sections(tree.parse(html)) == [
        ["", "Title", "Lead one. Two <3", ""],
        ["a", "First", "yes x y", "JOBS_1 env sendBatch x-y"],
    ]


def test_the_index_is_read_as_it_was_written():
    entries = {"b/": ["</script>", "", "", [["", "x", "y", "z"]]], "a/": ["“A”", "d", "n", []]}
    assert parse(document(entries)) == entries
    assert document(entries).index('"a/"') < document(entries).index('"b/"')
