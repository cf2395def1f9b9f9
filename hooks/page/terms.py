"""Explain a term where a page uses it first, one tap or focus away, without JavaScript."""

import html
import re
from functools import cache

from hooks.page.tree import Closed, Node, put, text_of, texts
from model.glossary import Term

# Where a button cannot stand, or where a word is a name and not prose.
CLOSED = Closed(
    set("a button code pre svg figure summary script style label dl th h1 h2 h3 h4 h5 h6".split()),
    {"fact", "term", "admonition-title"},
)


def explain(body: Node, terms: list[Term], glossary: str) -> None:
    """Put a card at the first use of each term in running text.

    Args:
        body: the page.
        terms: the terms.
        glossary: the address of the glossary, as seen from the page.
    """
    by_spelling = {spelling: term for term in terms for spelling in term.spellings}
    pattern = _pattern(tuple(sorted(by_spelling, key=len, reverse=True)))
    seen: set[str] = set()

    def first(match: re.Match[str]) -> str:
        term = by_spelling[match[0]]
        if term.name in seen:
            return match[0]
        seen.add(term.name)
        return _card(term, match[0], glossary)

    for node in list(texts(body, CLOSED)):
        text = html.escape(text_of(node), quote=False)
        explained = pattern.sub(first, text)
        if explained != text:
            put(node, explained)


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
