"""The edition to read offline opens from a file system: unzip it, open index.html, and everything but the network is there."""

import datetime
import html
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from playwright.sync_api import Browser

from hooks.blocks import offers
from hooks.publish.assets import classic
from model.files import GuideError
from runtime.browser import MOBILE, Visit
from runtime.site import SITE_DATE, Site
from tests.site.test_denied import STORAGE, works
from tests.support.pages import ROOT, SLUGS
from tools.hosting import offline

ADDRESS = re.compile(r"""<(?:a|link|script|img)\b[^>]*?\b(?:href|src)=["']?([^"'\s>]+)""")
ID = re.compile(r"""\bid=["']?([^"'\s>]+)""")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip, made by the command that the README gives."""
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "tools.hosting.offline", "--to", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "SITE_DATE": SITE_DATE},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"{offline.NAME}-{SITE_DATE}.zip" in done.stdout
    return folder / f"{offline.NAME}-{SITE_DATE}.zip"


@pytest.fixture(scope="module")
def unzipped(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which a reader opens index.html; its path has a space, as many have."""
    folder = tmp_path_factory.mktemp("my downloads")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    return folder / archive.stem


@pytest.fixture
def reader(browser: Browser, unzipped: Path) -> Iterator[Visit]:
    """A reader without a network, who must ask for nothing but files."""
    with Visit(browser, offline=True, permissions=["clipboard-read", "clipboard-write"]) as visit:
        visit.page.goto((unzipped / "index.html").as_uri())
        yield visit
        assert visit.complaints == []
        assert [r for r in visit.requests if not r.startswith(("file:", "data:", "blob:"))] == []


def test_the_zip_is_small_dated_and_holds_one_folder(archive: Path):
    assert archive.stat().st_size < 8_000_000
    with zipfile.ZipFile(archive) as opened:
        assert {name.split("/")[0] for name in opened.namelist()} == {archive.stem}
        assert {datetime.date(*entry.date_time[:3]).isoformat() for entry in opened.infolist()} == {SITE_DATE}


def test_every_link_of_every_page_leads_to_a_file_or_away(unzipped: Path, site: Site):
    pages = {page: page.read_text() for page in unzipped.rglob("*.html")}
    assert len(pages) == len(site.pages())
    anchors = {page: set(map(html.unescape, ID.findall(text))) for page, text in pages.items()}
    checked = 0
    for page, text in pages.items():
        for address in set(map(html.unescape, ADDRESS.findall(text))):
            if urlsplit(address).scheme:
                continue
            url, anchor = urldefrag(urljoin(page.as_uri(), address))
            target = Path(unquote(urlsplit(url).path))
            assert target.is_file(), f"{page.relative_to(unzipped)}: {address} is no file"
            assert target.is_relative_to(unzipped), f"{page.relative_to(unzipped)}: {address} leads out of the folder"
            assert not anchor or target.suffix != ".html" or unquote(anchor) in anchors[target], f"{page}: {address}"
            checked += 1
    assert checked > 3000


def test_the_twins_and_the_index_for_language_models_lead_to_files_too(unzipped: Path):
    for line in (unzipped / "llms.txt").read_text().splitlines():
        if line.startswith("- ["):
            assert (unzipped / line.partition("](")[2].partition(")")[0]).is_file(), line
    for page in unzipped.rglob("*.html"):
        assert page.with_suffix(".md").is_file(), f"{page.name}: llms.txt says that its twin lies beside it"
    assert "](../guide/decide.md)" in (unzipped / "patterns" / "index.md").read_text()


def test_a_reader_goes_from_the_home_page_to_a_pattern_with_styles_font_and_drawing(reader: Visit):
    page = reader.page
    page.get_by_role("link", name="1 · Proxy a website").first.click()
    page.wait_for_url("**/patterns/proxy-website.html")
    assert page.locator("figure.diagram svg").first.bounding_box()["width"] > 300
    assert page.evaluate(
        "document.fonts.check('16px Public Sans') && getComputedStyle(document.body).fontFamily"
    ).startswith('"Public Sans"')
    assert page.locator(".strip").evaluate("e => getComputedStyle(e).display") == "flex"
    page.locator(".highlight .copy").first.evaluate("button => button.click()")
    page.get_by_role("status").get_by_text("Copied").wait_for(state="attached")


def test_the_chooser_answers_from_a_file(reader: Visit, unzipped: Path):
    reader.page.goto((unzipped / "guide" / "decide.html").as_uri())
    reader.page.locator("input[name=state][value=tables]").check()
    link = reader.page.locator(".chooser__first a, .chooser__result a").first
    link.wait_for()
    link.click()
    reader.page.wait_for_url("**/patterns/*.html*")


def test_the_calculator_and_the_filters_work_from_a_file(reader: Visit, unzipped: Path):
    page = reader.page
    page.goto((unzipped / "patterns" / "global-api-kv.html").as_uri())
    before = page.locator("[data-total]").inner_text()
    page.locator("#costs-requests").fill("2,000,000,000")
    page.wait_for_function("old => document.querySelector('[data-total]').textContent !== old", arg=before)
    page.goto((unzipped / "patterns" / "index.html").as_uri() + "?service=hyperdrive")
    page.wait_for_function("document.querySelectorAll('.overview tbody tr:not([hidden])').length === 1")
    page.goto((unzipped / "reference" / "limits.html").as_uri())
    page.locator("#finder-words").fill("hyperdrive")
    page.wait_for_function("/\\d/.test(document.querySelector('#finder-said').textContent)")


def test_the_search_finds_from_a_file(reader: Visit, unzipped: Path):
    page = reader.page
    page.goto((unzipped / "guide" / "mistakes.html").as_uri())
    page.locator(".search-open").click()
    page.get_by_role("combobox", name="Search").fill("hyperdrive postgres")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url("**/patterns/hyperdrive-database.html*")


def test_the_words_are_marked_on_the_page_that_a_result_opens_from_a_file_and_not_on_the_next(reader: Visit):
    page = reader.page
    page.keyboard.press("/")
    page.get_by_role("combobox", name="Search").fill("presigned upload")
    page.get_by_role("option").first.click()
    page.wait_for_url("**/patterns/r2-uploads.html*")
    page.wait_for_function("CSS.highlights.get('search')?.size > 3")
    page.locator("a.md-footer__link--next").click()
    page.wait_for_url("**/patterns/image-pipeline.html")
    page.keyboard.press("/")
    page.get_by_role("dialog").wait_for()
    assert page.evaluate("CSS.highlights.size") == 0


@pytest.mark.parametrize("storage", ["throws", "is null", "holds {"])
def test_a_file_without_storage_or_with_a_malformed_fragment_works(browser: Browser, unzipped: Path, storage: str):
    with Visit(browser, viewport=MOBILE, color_scheme="dark", reduced_motion="reduce") as visit:
        visit.context.add_init_script(STORAGE[storage])
        visit.page.goto((unzipped / "patterns" / "r2-uploads.html").as_uri() + "#50%")
        works(visit.page)
        assert visit.complaints == []


def test_the_twin_opens_from_a_file(reader: Visit):
    with reader.page.expect_event("framenavigated", lambda frame: frame.url.endswith("/index.md")):
        reader.page.locator("a[data-twin]").click()


def test_patterns_can_be_read_without_a_network(reader: Visit, unzipped: Path):
    for slug in SLUGS[::5]:
        reader.page.goto((unzipped / "patterns" / f"{slug}.html").as_uri())
        assert reader.page.locator("h2").count() >= 15, slug


def test_a_zip_that_is_not_there_stops_the_build_and_says_how_to_make_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OFFLINE_ZIP", "dist/gone.zip")
    with pytest.raises(GuideError, match=r"dist/gone\.zip.*tools\.hosting\.offline"):
        offers.given()


def test_a_site_without_a_zip_offers_none(site: Site):
    assert "offline" not in (site.folder / "index.html").read_text()


@pytest.mark.parametrize(
    ("module", "script"),
    [
        ("export function start(e) {}", "function start(e) {}"),
        ("const a = 1;\nexport const start = () => a;\nexport class Bill {}", "const start = () => a;\nclass Bill {}"),
    ],
)
def test_a_module_becomes_a_script_that_hands_out_its_exports(module: str, script: str):
    made = classic(module)
    assert script in made and "export" not in made and "[document.currentScript.src] = { start" in made
    assert classic("export function find() {}") == "export function find() {}", "nobody starts it"


@pytest.mark.parametrize("line", ['import { a } from "./b.js";', "export default 1;", "export { start };"])
def test_a_module_that_cannot_become_a_script_is_named(line: str):
    with pytest.raises(GuideError, match=r"'(im|ex)port .*' cannot be made a classic script. Write `export function`"):
        classic(f"{line}\nexport function start() {{}}")
