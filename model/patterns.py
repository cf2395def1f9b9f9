"""Read the pattern pages' front matter, so that every overview says what the pages say."""

import re
from dataclasses import dataclass
from pathlib import Path

from model.files import ROOT, GuideError, fresh
from model.markdown import front_matter
from model.products import SOURCE, products

PATTERNS = ROOT / "docs" / "patterns"


@dataclass(frozen=True)
class Pattern:
    """One pattern, as its page describes it.

    Attributes:
        slug: the page's file name without ending.
        number: such as "3" or "3b".
        title: the page's title.
        description: one sentence.
        services: ids of ``docs/data/products.yml``.
        use_cases: ids of the use cases that it takes part in.
        state: none, read-heavy, relational, coordinated, objects or vectors.
        exposure: public, private or egress.
        plan: the lowest plan that works.
        related: slugs of the patterns that a reader should look at besides.
        text: the page's Markdown, without front matter.
        draft: what the page still lacks; empty when it is finished. The chooser recommends no draft.
    """

    slug: str
    number: str
    title: str
    description: str
    services: tuple[str, ...]
    use_cases: tuple[str, ...]
    state: str
    exposure: str
    plan: str
    related: tuple[str, ...]
    text: str
    draft: str = ""

    @property
    def place(self) -> tuple[int, str]:
        """Sorts by number: 3 comes before 3b, and 3b before 4."""
        digits = re.sub(r"\D.*", "", self.number)
        return int(digits), self.number.removeprefix(digits)


def parse(slug: str, page: str) -> Pattern:
    """Return the pattern that a page describes."""
    meta, text = front_matter(page, f"docs/patterns/{slug}.md")
    for name in meta["services"]:
        if name not in products():
            line = page.count("\n", 0, max(page.find(name, page.find("\nservices:") + 1), 0)) + 1
            raise GuideError(
                f"docs/patterns/{slug}.md:{line}: unknown service {name!r}. Add it to docs/data/products.yml, or correct it."
            )
    meta |= {key: tuple(meta[key]) for key in ("services", "use_cases", "related")}
    return Pattern(slug=slug, number=str(meta.pop("pattern")), text=text, **meta)


@fresh(lambda folder=PATTERNS: [*folder.glob("*.md"), SOURCE])
def patterns(folder: Path = PATTERNS) -> list[Pattern]:
    """Return every pattern, in the order of their numbers."""
    pages = (p for p in folder.glob("*.md") if p.stem != "index")
    return sorted((parse(p.stem, p.read_text(encoding="utf-8")) for p in pages), key=lambda pattern: pattern.place)
