"""Explain a term where a page uses it first, one tap or focus away, without JavaScript; list all of them on one page."""

import html
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from site_files import file_at
from yaml_file import parse_yaml

SOURCE = Path(__file__).resolve().parent.parent / "docs" / "data" / "glossary.yml"
LIST = "<!-- glossary: every term -->"
PAGE = "guide/glossary.md"
FOLDERS = ("patterns/", "guide/")
TOKEN = re.compile(
    r"<!--.*?-->|<(?P<close>/?)(?P<tag>[a-zA-Z][\w-]*)(?P<rest>(?:[^>\"']|\"[^\"]*\"|'[^']*')*)>|(?P<text>[^<]+)", re.S
)
VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
# Where a button cannot stand, or where a word is a name and not prose.
CLOSED = {
    "a",
    "button",
    "code",
    "pre",
    "svg",
    "figure",
    "summary",
    "script",
    "style",
    "label",
    "dl",
    "th",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
}
CLOSED_CLASS = re.compile(r'class="[^"]*\b(?:fact|term|admonition-title)\b')


class GlossaryError(PluginError):
    """The glossary is malformed; the message names the entry and the remedy."""


@dataclass(frozen=True)
class Term:
    """One term.

    Attributes:
        name: as the glossary lists it.
        spellings: every form that counts as this term in a page, the name included.
        text: what it means, one or two sentences.
    """

    name: str
    spellings: tuple[str, ...]
    text: str

    @property
    def anchor(self) -> str:
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


def parse(entries: Any) -> list[Term]:
    """Return the terms in the order of the alphabet.

    Raises:
        GlossaryError: an entry lacks a field, ends without a full stop, or spells what another one spells.
    """
    terms, owner = [], {}
    for number, entry in enumerate(entries, start=1):
        place = f"docs/data/glossary.yml, entry {number} ({entry.get('term', 'no term')})"
        if not {"term", "text"} <= entry.keys() <= {"term", "also", "text"}:
            raise GlossaryError(f"{place}: give term, text, and other spellings as also")
        if not entry["text"].endswith("."):
            raise GlossaryError(f"{place}: end the text with a full stop")
        spellings = (entry["term"], *entry.get("also", ()))
        for spelling in spellings:
            if spelling in owner:
                raise GlossaryError(f"{place}: {spelling} already belongs to {owner[spelling]}")
            owner[spelling] = entry["term"]
        terms.append(Term(entry["term"], spellings, entry["text"]))
    return sorted(terms, key=lambda term: term.name.lower())


@cache
def load() -> list[Term]:
    """Return the terms of ``docs/data/glossary.yml``."""
    return parse(parse_yaml(SOURCE.read_text(encoding="utf-8")))


def explain(page_html: str, terms: list[Term], glossary: str) -> str:
    """Return a page's HTML with a card at the first use of each term in running text.

    Args:
        page_html: the page.
        terms: the terms.
        glossary: the address of the glossary, as seen from the page.
    """
    by_spelling = {spelling: term for term in terms for spelling in term.spellings}
    pattern = _pattern(tuple(sorted(by_spelling, key=len, reverse=True)))
    seen: set[str] = set()
    closed: list[str] = []

    def first(match: re.Match[str]) -> str:
        term = by_spelling[match[0]]
        if term.name in seen:
            return match[0]
        seen.add(term.name)
        return _card(term, match[0], glossary)

    def token(match: re.Match[str]) -> str:
        if match["text"]:
            return match[0] if closed else pattern.sub(first, match[0])
        tag = (match["tag"] or "").lower()
        if not tag or tag in VOID or match["rest"].endswith("/"):
            return match[0]
        if match["close"]:
            if closed and closed[-1] == tag:
                closed.pop()
        elif closed:
            # Inside a closed element only its own kind matters, to find its end.
            if tag == closed[-1]:
                closed.append(tag)
        elif tag in CLOSED or CLOSED_CLASS.search(match["rest"]):
            closed.append(tag)
        return match[0]

    return TOKEN.sub(token, page_html)


@cache
def _pattern(spellings: tuple[str, ...]) -> re.Pattern[str]:
    # A capital word before another one is part of a name: "Workers" in "Workers KV" needs no explanation.
    words = (
        re.escape(s) + (r"(?! (?:[A-Z]|for Platforms))" if s[0].isupper() and " " not in s else "") for s in spellings
    )
    return re.compile(rf"(?<![\w./-])(?:{'|'.join(words)})(?![\w-])")


def _card(term: Term, word: str, glossary: str) -> str:
    name = f"term-{term.anchor}"
    return (
        f'<span class="term"><button type="button" class="term__word" popovertarget="{name}">{word}</button>'
        f'<span class="fact__card" id="{name}" popover data-search-exclude><span>{html.escape(term.text)}</span> '
        f'<a href="{glossary}#{term.anchor}">Glossary</a></span></span>'
    )


def listing(terms: list[Term]) -> str:
    """Return the glossary as Markdown: a heading for each term, so that each has an anchor and is found by the search."""
    parts = []
    for term in terms:
        others = f" Also: {', '.join(term.spellings[1:])}." if len(term.spellings) > 1 else ""
        parts.append(f"## {term.name} {{ #{term.anchor} }}\n\n{term.text}{others}")
    return "\n\n".join(parts)


def on_pre_build(config: MkDocsConfig) -> None:
    load.cache_clear()


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    return markdown.replace(LIST, listing(load())) if LIST in markdown else markdown


def on_page_content(page_html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    if not page.file.src_uri.startswith(FOLDERS) or page.file.src_uri == PAGE:
        return page_html
    return explain(page_html, load(), file_at(files, PAGE).url_relative_to(page.file))
