"""Publish ``llms.txt``, an index of the Markdown twins for language models, and ``llms-full.txt``, all of them in one file."""

from collections.abc import Iterable
from urllib.parse import urljoin

from hooks.page.twin import Twin, footnotes

INDEX, FULL = "llms.txt", "llms-full.txt"
INTRO = """\
Each pattern has a diagram, an example that runs on workerd and is attacked by tests, limits and prices with source and date, what
fails and how, and when not to use it. Each link leads to Markdown with code and figures filled in; add `index.md` to a page's
address to get its twin. Independent and unofficial: not affiliated with Cloudflare, Inc.
"""
DATA = {
    "facts.json": ("All facts", "Every limit, price and date with claim, plan, source and confidence, as JSON."),
    "patterns.json": (
        "All patterns",
        "The catalogue of the patterns with services, state, exposure, plan, files and tests, as JSON.",
    ),
}


def entry(title: str, address: str, description: str, site_url: str) -> str:
    """Return one line of the index."""
    link = f"- [{title}]({urljoin(site_url, address) if site_url else address})"
    return f"{link}: {description}" if description else link


def index(
    name: str, description: str, sections: dict[str, list[Twin]], optional: list[Twin], site_url: str, full: int
) -> str:
    """Return ``llms.txt``: a title, a quote that says what this is, and lists of links.

    Args:
        name: the site's name.
        description: the site in one sentence.
        sections: title to twins, in the order of the navigation.
        optional: twins that a short context may leave out.
        site_url: the site's address; when empty, links are relative.
        full: the size of ``llms-full.txt`` in bytes.
    """
    parts = [f"# {name}\n\n> {description}\n\n{INTRO}"]
    for title, twins in sections.items():
        lines = [entry(t.title, t.address, t.description, site_url) for t in twins]
        parts.append(f"## {title}\n\n" + "\n".join(lines) + "\n")
    lines = [entry(title, address, text, site_url) for address, (title, text) in DATA.items()]
    parts.append("## Data\n\n" + "\n".join(lines) + "\n")
    lines = [entry("Everything in one file", FULL, f"All pages below each other, {full / 1e6:.1f} MB.", site_url)]
    lines += [entry(t.title, t.address, t.description, site_url) for t in optional]
    parts.append("## Optional\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def full(name: str, description: str, twins: Iterable[Twin]) -> str:
    """Return ``llms-full.txt``: every twin, and one list of footnotes for all of them."""
    twins = list(twins)
    facts = {fact.id: fact for t in twins for fact in t.facts}
    pages = "\n---\n\n".join(t.body for t in twins)
    return f"# {name}\n\n> {description}\n\n{INTRO}\n---\n\n{pages}\n---\n\n# Sources of the figures\n\n{footnotes(list(facts.values()))}"


def documents(
    name: str, description: str, listed: dict[str, list[Twin]], twins: list[Twin], site_url: str
) -> dict[str, str]:
    """Return both files by their name.

    Args:
        name: the site's name.
        description: the site in one sentence.
        listed: the twins in the navigation, by section.
        twins: all of them.
        site_url: the site's address; when empty, links are relative.
    """
    known = [twin for of_section in listed.values() for twin in of_section]
    rest = [twin for twin in twins if twin not in known]
    everything = full(name, description, [*known, *rest])
    return {FULL: everything, INDEX: index(name, description, listed, rest, site_url, len(everything.encode()))}
