"""Publish ``llms.txt``, an index of the Markdown twins for language models, and ``llms-full.txt``, all of them in one file."""

from hooks.page.twin import Twin, footnotes
from model.address import INSIDE, placed

INDEX, FULL = "llms.txt", "llms-full.txt"
INTRO = """\
Each pattern has a diagram, an example that tests run and attack (on workerd where it has a Worker), limits and prices with source
and date, what fails and how, and when not to use it. Each link leads to Markdown with code and figures filled in; this twin lies
beside its page, and ends in `.md` where the page ends in `.html`. Independent and unofficial: not affiliated with Cloudflare, Inc.
"""
DATA = {
    "facts.json": ("All facts", "Every limit, price and date with claim, plan, source and confidence, as JSON."),
    "patterns.json": (
        "All patterns",
        "The catalogue of the patterns with services, state, exposure, plan, files and tests, as JSON.",
    ),
}


def entry(title: str, address: str, description: str) -> str:
    """Return one line of the index."""
    link = f"- [{title}]({INSIDE}{address})"
    return f"{link}: {description}" if description else link


def entries(twins: list[Twin]) -> list[str]:
    return [entry(t.title, t.address, t.description) for t in twins]


def index(head: str, sections: dict[str, list[Twin]], optional: list[Twin], full: int) -> str:
    """Return ``llms.txt``: a title, a quote that says what this is, and lists of links.

    Args:
        head: title, quote and introduction.
        sections: title to twins, in the order of the navigation.
        optional: twins that a short context may leave out.
        full: the size of ``llms-full.txt`` in bytes.
    """
    everything = entry("Everything in one file", FULL, f"All pages below each other, {full / 1e6:.1f} MB.")
    lists = {
        **{title: entries(twins) for title, twins in sections.items()},
        "Data": [entry(title, address, text) for address, (title, text) in DATA.items()],
        "Optional": [everything, *entries(optional)],
    }
    return head + "".join(f"\n## {title}\n\n" + "\n".join(lines) + "\n" for title, lines in lists.items())


def full(head: str, twins: list[Twin]) -> str:
    """Return ``llms-full.txt``: every twin, and one list of footnotes for all of them."""
    facts = {fact.id: fact for t in twins for fact in t.facts}
    pages = "\n---\n\n".join(t.body for t in twins)
    return f"{head}\n---\n\n{pages}\n---\n\n# Sources of the figures\n\n{footnotes(list(facts.values()))}"


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
    head = f"# {name}\n\n> {description}\n\n{INTRO}"
    known = [twin for of_section in listed.values() for twin in of_section]
    rest = [twin for twin in twins if twin not in known]
    everything = placed(full(head, [*known, *rest]), FULL, site_url)
    listing = index(head, listed, rest, len(everything.encode()))
    return {FULL: everything, INDEX: placed(listing, INDEX, site_url)}
