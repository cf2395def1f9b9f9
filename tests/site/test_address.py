"""A guide built without an address names none, and each of its links leads to a file from wherever it is served."""

import html
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup

from model.address import check, placed
from model.files import GuideError
from runtime.site import build
from tests.support.pages import FENCE

ADDRESS = "https://guide.example.com/guide/"
LINKS = {
    ".html": re.compile(r"""<(?:a|link|script|img)\b[^>]*?\b(?:href|src)=["']?([^"'\s>]+)|; url=([^"]+)"""),
    ".md": re.compile(r"(?<!\^)\]\(([^()\s]+)"),
    ".xml": re.compile(r"""<link>([^<]+)|href="([^"]+)"""),
    ".json": re.compile(r'"(?:\$schema|page|markdown|example)": "([^"]+)"'),
}
LINKS[".txt"] = LINKS[".md"]
OFFLINE_BYTES = 1_234_567


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The guide built without an address, which is given a zip to offer."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "guide.zip").write_bytes(bytes(OFFLINE_BYTES))
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SITE_URL", raising=False)
        done = build(folder / "site", OFFLINE_ZIP=str(folder / "guide.zip"))
    assert done.returncode == 0, done.stderr
    return folder / "site"


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file of a site, and what its zips hold."""
    for path in (p for p in folder.rglob("*") if p.is_file()):
        yield path.relative_to(folder).as_posix(), path.read_bytes()
        if path.parent.name == "examples":
            with zipfile.ZipFile(path) as opened:
                yield from ((f"{path.name}/{name}", opened.read(name)) for name in opened.namelist())


def links(path: Path) -> set[str]:
    """Return the links of a file; code holds none."""
    text = path.read_text()
    if path.suffix in (".md", ".txt"):
        text = re.sub(r"`[^`\n]+`", "", FENCE.sub("", text))
    return {html.unescape(next(filter(None, m.groups()))) for m in LINKS[path.suffix].finditer(text)}


def test_no_file_names_an_address_of_the_builder(plain: Path):
    files = 0
    for name, content in contents(plain):
        found = re.search(rb"(?:127\.0\.0\.1|localhost):8000.{0,60}", content)
        assert not found, f"{name}: {found[0]!r}"
        files += 1
    assert files > 500


def test_nothing_is_said_that_needs_an_address(plain: Path):
    pages = list(plain.rglob("*.html"))
    for page in pages:
        head = page.read_text().partition("</head>")[0]
        assert not re.search(r'rel="?canonical|property="?og:|application/rss', head), page
    assert len(pages) > 70
    assert [p for p in plain.rglob("*") if p.name.startswith("sitemap") or p.name == "social"] == []
    assert not re.search(r"^page:", (plain / "patterns/index.md").read_text(), re.M)


@pytest.mark.parametrize(
    ("kind", "least"), [("**/*.html", 4000), ("**/*.md", 600), ("llms*.txt", 250), ("*.json", 40), ("*.xml", 5)]
)
def test_every_link_is_relative_and_leads_to_a_file(plain: Path, kind: str, least: int):
    anchors: dict[Path, set[str]] = {}
    checked = 0
    for path in (p for p in plain.glob(kind) if p.name != "404.html"):
        for link in links(path):
            if urlsplit(link).scheme in ("https", "http", "data", "mailto"):
                continue
            assert not link.startswith("/"), f"{path.relative_to(plain)}: {link} leads to the root of its host"
            url, anchor = urldefrag(urljoin(path.as_uri(), link))
            target = Path(unquote(urlsplit(url).path))
            target = target / "index.html" if target.is_dir() else target
            assert target.is_relative_to(plain) and target.is_file(), f"{path.relative_to(plain)}: {link} is no file"
            page = target.with_suffix(".html")
            if anchor and page.is_file():
                ids = anchors.setdefault(page, set(re.findall(r"""\bid=["']?([^"'\s>]+)""", page.read_text())))
                assert unquote(anchor) in ids, f"{path.relative_to(plain)}: {link} has no such anchor"
            checked += 1
    assert checked > least


def test_the_page_for_a_wrong_address_assumes_the_root_of_its_host(plain: Path):
    found = {link for link in links(plain / "404.html") if not urlsplit(link).scheme}
    assert len(found) > 30 and {link for link in found if not link.startswith("/")} == set()
    for link in found:
        target = plain / unquote(link).lstrip("/")
        assert target.is_file() or (target / "index.html").is_file(), link


def test_a_site_that_is_given_the_zip_offers_it_on_the_home_page(plain: Path):
    link = BeautifulSoup((plain / "index.html").read_text(), "html.parser").find("a", string="Read it offline")
    assert (plain / link["href"]).stat().st_size == OFFLINE_BYTES and "1.2 MB" in link.parent.text


@pytest.mark.parametrize(
    "given",
    (
        "guide.example.com ftp://example.com/ https:///guide/ https://me:secret@example.com/ https://example.com/?a=b"
        " https://example.com/#a https://example.com//guide/ https://example.com/guide// https://example.com/<b>/"
    ).split(),
)
def test_what_is_no_address_of_a_site_is_refused_with_the_form_of_one(given: str):
    with pytest.raises(GuideError, match=rf"{re.escape(repr(given))}.*SITE_URL=https://guide\.example\.com/"):
        check(given)


@pytest.mark.parametrize(
    "given", ["", "https://guide.example.com", "https://name.github.io/guide/", "http://[::1]:8000/a/b"]
)
def test_an_address_at_a_root_or_below_a_path_is_taken(given: str):
    check(given)


def test_a_build_with_a_query_in_its_address_stops_with_one_line(tmp_path: Path):
    done = build(tmp_path / "site", SITE_URL="https://guide.example.com/?a=b")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.strip().splitlines()[-1].endswith("or SITE_URL=https://name.github.io/guide/.")


def test_links_lead_below_the_address_with_its_path():
    text = "[a](\0patterns/index.md#x) [b](\0#top) [c](\0index.md#here) [d](\0?service=kv)"
    below = f"[a]({ADDRESS}patterns/index.md#x) [b]({ADDRESS}#top) [c](#here) [d]({ADDRESS}?service=kv)"
    assert placed(text, "index.md", ADDRESS) == below
    assert (
        placed(text, "a/llms.txt", "")
        == "[a](../patterns/index.md#x) [b](../#top) [c](../index.md#here) [d](../?service=kv)"
    )
