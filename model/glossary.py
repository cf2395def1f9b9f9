"""Explain a term where a page uses it first, one tap or focus away, without JavaScript; list all of them on one page."""

import re
from dataclasses import dataclass
from typing import Any

from model.files import ROOT, GuideError, fresh, read_yaml

SOURCE = ROOT / "docs" / "data" / "glossary.yml"
PAGE = "guide/glossary.md"
FOLDERS = ("patterns/", "guide/")


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
    """Return the terms in the order of the alphabet."""
    terms, owner = [], {}
    for number, entry in enumerate(entries, start=1):
        place = f"docs/data/glossary.yml, entry {number} ({entry['term']})"
        if not entry["text"].endswith("."):
            raise GuideError(f"{place}: end the text with a full stop")
        spellings = (entry["term"], *entry.get("also", ()))
        for spelling in spellings:
            if spelling in owner:
                raise GuideError(f"{place}: {spelling} already belongs to {owner[spelling]}")
            owner[spelling] = entry["term"]
        terms.append(Term(entry["term"], spellings, entry["text"]))
    return sorted(terms, key=lambda term: term.name.lower())


@fresh(lambda: [SOURCE])
def load() -> list[Term]:
    """Return the terms of ``docs/data/glossary.yml``."""
    return parse(read_yaml(SOURCE))
