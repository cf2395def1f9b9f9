"""Write ``search/index.js``: what the search of the site reads when somebody opens it, and not before.

A script and not JSON, so that a browser also reads it from a file system. ``docs/assets/search.js`` is its reader.
"""

import html
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from facts import products

WORDS = Path(__file__).resolve().parent.parent / "docs" / "data" / "search.yml"
NAME = "search/index.js"
START, END = "searchIndex = ", ";\n"
AFTER_ALL = -200
# Code is found by the words around it: with every line of it the index would be twice as large.
DROPPED = re.compile(
    r"<(?P<tag>pre|svg|template|style|script|select)\b.*?</(?P=tag)>|<a class=\"headerlink\".*?</a>|<dl class=\"strip\".*?</dl>|<!--.*?-->",
    re.S,
)
TOKEN = re.compile(r"<(?P<close>/?)(?P<tag>[a-z][\w-]*)(?P<rest>[^>]*)>|(?P<text>[^<]+)")
VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
HEADING = re.compile(r"h[1-4]")
ID = re.compile(r'\bid="([^"]+)"')
INLINE = {"a", "abbr", "b", "button", "code", "em", "i", "kbd", "small", "span", "strong", "sub", "sup"}

Section = list[str]


def terms(services: list[str], known: dict[str, dict[str, str]]) -> list[str]:
    """Return the names that stand for a page's services, today's names first, then the former ones."""
    entries = [known[name] for name in services if name in known]
    former = [name for entry in entries if "formerly" in entry for name in entry["formerly"].split(", ")]
    return [entry["name"] for entry in entries] + former


def sections(page_html: str) -> list[Section]:
    """Return ``[anchor, heading, text]`` for each part of a page, the part before the first heading first.

    Elements with ``data-search-exclude`` are left out, with all that they hold.
    """
    found: list[Section] = [["", "", ""]]
    pieces: list[str] = []
    excluded = ""
    depth = 0
    into = 2
    for token in TOKEN.finditer(DROPPED.sub(" ", page_html)):
        tag, text = token["tag"], token["text"]
        if excluded:
            if tag == excluded:
                depth += -1 if token["close"] else 1
                excluded = excluded if depth else ""
        elif text:
            pieces.append(text)
        elif "data-search-exclude" in token["rest"] and tag not in VOID:
            excluded, depth = tag, 1
        elif HEADING.fullmatch(tag):
            found[-1][into] = plain(pieces)
            pieces.clear()
            into = 2 if token["close"] else 1
            if not token["close"]:
                anchor = ID.search(token["rest"])
                found.append([anchor[1] if anchor and tag != "h1" else "", "", ""])
        elif tag not in INLINE:
            pieces.append(" ")
    found[-1][into] = plain(pieces)
    return [section for section in found if section[1] or section[2]]


def plain(pieces: list[str]) -> str:
    """Return pieces of HTML text as one line."""
    return " ".join(html.unescape("".join(pieces)).split())


@cache
def words() -> dict[str, list[str]]:
    """Return ``docs/data/search.yml``: Markdown file to the words under which readers look for it."""
    found: dict[str, list[str]] = yaml.safe_load(WORDS.read_text(encoding="utf-8"))
    return found


def entry(page_html: str, title: str, meta: dict[str, Any], also: list[str]) -> list[Any]:
    """Return what the index says about a page: title, description, other names, sections."""
    names = terms(meta.get("services", []), products()) + also
    return [title, meta.get("description", ""), " · ".join(names), sections(page_html)]


def document(entries: dict[str, list[Any]]) -> str:
    """Return the index as a script: address below the site to what ``entry`` says."""
    return START + json.dumps(dict(sorted(entries.items())), ensure_ascii=False, separators=(",", ":")) + END


def parse(script: str) -> dict[str, list[Any]]:
    """Return the entries of an index."""
    entries: dict[str, list[Any]] = json.loads(script.removeprefix(START).removesuffix(END))
    return entries


_entries: dict[str, list[Any]] = {}
_dirty = False


def on_startup(command: str, dirty: bool) -> None:
    global _dirty
    _dirty = dirty


def on_pre_build(config: MkDocsConfig) -> None:
    _entries.clear()
    words.cache_clear()


@event_priority(AFTER_ALL)
def on_page_content(page_html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    title = config.site_name if page.is_homepage else str(page.title)
    _entries[page.url] = entry(page_html, title, dict(page.meta), words().get(page.file.src_uri, []))
    return page_html


@event_priority(AFTER_ALL)
def on_post_build(config: MkDocsConfig) -> None:
    path = Path(config.site_dir) / NAME
    path.parent.mkdir(exist_ok=True)
    # With --dirty only changed pages are made; the others keep what the index already says of them.
    kept = parse(path.read_text(encoding="utf-8")) if _dirty and path.is_file() else {}
    path.write_text(document({**kept, **_entries}), encoding="utf-8")
