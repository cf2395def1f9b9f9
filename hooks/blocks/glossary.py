"""List every term on one page."""

from model.glossary import Term


def listing(terms: list[Term]) -> str:
    """Return the glossary as Markdown: a heading for each term, so that each has an anchor and is found by the search."""
    parts = []
    for term in terms:
        others = f" Also: {', '.join(term.spellings[1:])}." if len(term.spellings) > 1 else ""
        parts.append(f"## {term.name} {{ #{term.anchor} }}\n\n{term.text}{others}")
    return "\n\n".join(parts)
