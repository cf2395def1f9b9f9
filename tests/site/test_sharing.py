"""What others read of the site: the picture of a shared link, the feed of changes, the dates for search engines."""

import datetime
import io
import re
import subprocess
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urldefrag
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup
from PIL import Image, ImageChops

from hooks.publish import feed, social
from runtime.site import Site
from tests.support.pages import ROOT, every_page
from tests.support.sheets import sheet

SMALL_BYTES = 30_000
ATOM = "{http://www.w3.org/2005/Atom}link"


def head(site: Site, place: str) -> BeautifulSoup:
    return BeautifulSoup((site.folder / place / "index.html").read_text().partition("</head>")[0], "html.parser")


def meta(soup: BeautifulSoup) -> dict[str, str]:
    return {e.get("property") or e["name"]: e["content"] for e in soup.select("meta[property], meta[name]")}


def test_every_page_has_a_picture_and_says_what_it_is_about(site: Site):
    seen: dict[bytes, str] = {}
    for place in site.pages():
        said = meta(head(site, place))
        assert said["og:url"] == site.url + place and said["twitter:card"] == "summary_large_image"
        assert said["og:description"] == said["description"] and said["og:title"] == said["og:image:alt"]
        assert said["og:image"].startswith(site.url), "others load the picture by its whole address"
        content = (site.folder / said["og:image"].removeprefix(site.url)).read_bytes()
        assert len(content) <= SMALL_BYTES, place
        with Image.open(io.BytesIO(content)) as image:
            assert image.size == (int(said["og:image:width"]), int(said["og:image:height"])) == (1200, 630)
        assert content not in seen, f"{place} and {seen.get(content)} share a picture"
        seen[content] = place


@pytest.mark.parametrize("page", [pytest.param(p, id=p.place) for p in every_page()])
def test_title_and_text_fit_their_picture(page):
    title, text = page.meta["title"], social.shortened(page.meta["description"])
    font, step, lines = social.fitted(title, social.TEXT_STEP_PX * len(text))
    room = social.WIDTH - 2 * social.MARGIN
    assert " ".join(lines) == title
    assert all(font.getlength(line) <= room for line in lines)
    assert all(social._font(social.TEXT_PX, 400).getlength(line) <= room for line in text)
    assert social.TOP + step * len(lines) + social.GAP + social.TEXT_STEP_PX * len(text) <= social.BOTTOM


def test_nothing_is_drawn_over_the_margin_or_the_foot():
    words = (
        "12",
        "An unusually long title about a multi-tenant platform",
        "A sentence that goes on and on. " * 12,
        "Site",
    )
    image, empty = social.drawn(*words), social.drawn("12", "", "", "Site")
    box = ImageChops.difference(image, empty).getbbox()
    assert box[0] >= social.MARGIN - 4 and box[2] <= social.WIDTH - social.MARGIN + 4 and box[3] <= social.BOTTOM + 8
    assert social.shortened(words[2])[-1].endswith(" …")


def test_a_picture_is_drawn_once_and_has_the_same_bytes_without_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(social, "CACHE", tmp_path)
    words = ("3", "Global API with KV", "A sentence.", "Site")
    first = social.picture(*words)
    assert first == social.png(social.drawn(*words))
    monkeypatch.setattr(social, "drawn", lambda *given: pytest.fail("drawn again"))
    assert social.picture(*words) == first
    assert [p.suffix for p in tmp_path.iterdir()] == [".png"]


def test_the_feed_is_valid_and_announced_on_every_page(site: Site):
    for place in site.pages():
        link = head(site, place).select_one('link[rel=alternate][type="application/rss+xml"]')
        assert (site.folder / place / link["href"]).resolve() == site.folder / feed.NAME
    root = ElementTree.parse(site.folder / feed.NAME).getroot()
    assert root.tag == "rss" and root.get("version") == "2.0"
    channel = root.find("channel")
    assert channel.find(ATOM).get("href") == site.url + feed.NAME and channel.find(ATOM).get("rel") == "self"
    assert all(channel.findtext(name) for name in ("title", "link", "description", "language"))
    items = channel.findall("item")
    page = BeautifulSoup((site.folder / "guide" / "whats-changed" / "index.html").read_text(), "html.parser")
    for item in items:
        address, anchor = urldefrag(item.findtext("link"))
        assert address == channel.findtext("link") == f"{site.url}guide/whats-changed/" and page.find(id=anchor)
        assert not re.search(r"\]\(|`|\*\*", item.findtext("title") + item.findtext("description"))
        assert len(item.findtext("title")) < 160
    days = [parsedate_to_datetime(item.findtext("pubDate")) for item in items]
    assert len(items) == feed.NEWEST and days == sorted(days, reverse=True)
    assert len({item.findtext("guid") for item in items}) == len(items)


def test_a_row_keeps_its_identity_when_the_table_around_it_changes():
    row = "| KV was *fast* | Still is: [1 ms](fact:x), see `kv` | Since 2026-05-01 | [page](https://example.com) |\n"
    head = "| In March 2026 | Today | Since | Source |\n|---|---|---|---|\n"
    one = feed.changes(f"## Data\n\n{head}{row}")
    other = "| A | B & <C> | 2026-06-01, 2026-07-01 | [page](https://example.com) |\n| No | date | not found | – |\n"
    both = feed.changes(f"## Other\n\n{head}{other}\n## Data\n\n{head}{row}")
    assert [c.today for c in both] == ["B & <C>", "Still is: 1 ms, see kv"] and both[1].guid == one[0].guid
    text = feed.feed(both, "T & S", sheet("", description="D"), "https://example.com/")
    assert (
        ElementTree.fromstring(text).findall("channel/item")[0].findtext("description") == "Before: A. Today: B & <C>"
    )


def test_the_sitemap_says_when_a_page_changed_its_example_included(site: Site):
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    known = feed.dates()
    found = {
        u.findtext(f"{space}loc"): u.findtext(f"{space}lastmod")
        for u in ElementTree.parse(site.folder / "sitemap.xml").getroot()
    }
    assert set(found) == {site.url + place for place in site.pages()}
    if not known:
        pytest.skip("this copy of the repository has no git history, so the sitemap gives no dates")
    day = max(v for k, v in known.items() if k == "docs/patterns/r2-uploads.md" or k.startswith("snippets/r2-uploads/"))
    assert found[f"{site.url}patterns/r2-uploads/"] == day
    assert all(datetime.date.fromisoformat(day).year >= 2026 for day in found.values() if day)


def test_without_a_whole_history_no_date_is_invented(tmp_path: Path):
    assert feed.dates(tmp_path) == {}
    done = subprocess.run(
        ["git", "clone", "-q", "--depth", "1", f"file://{ROOT}", tmp_path / "shallow"], capture_output=True, check=False
    )
    assert done.returncode or feed.dates(tmp_path / "shallow") == {}
