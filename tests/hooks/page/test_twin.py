"""The twin leads where its page leads, in the hosted site and in the one to read offline."""

import pytest

from hooks.page.tree import parse
from hooks.page.twin import twin
from tests.support.sheets import sheet

HOSTED = {"": "index.md", "patterns/": "patterns/index.md", "guide/decide/": "guide/decide/index.md"}
OFFLINE = {"index.html": "index.md", "patterns/index.html": "patterns/index.md", "guide/decide.html": "guide/decide.md"}


@pytest.mark.parametrize(
    ("uri", "dest", "url", "twins", "href", "leads"),
    [
        (
            "patterns/index.md",
            "patterns/index.html",
            "patterns/",
            HOSTED,
            "../guide/decide/#a",
            "../guide/decide/index.md#a",
        ),
        (
            "guide/decide.md",
            "guide/decide/index.html",
            "guide/decide/",
            HOSTED,
            "../../patterns/?service=kv",
            "../../patterns/?service=kv",
        ),
        ("guide/decide.md", "guide/decide/index.html", "guide/decide/", HOSTED, "../../facts.json", "../../facts.json"),
        ("index.md", "index.html", "", HOSTED, "patterns/", "patterns/index.md"),
        (
            "patterns/index.md",
            "patterns/index.html",
            "patterns/index.html",
            OFFLINE,
            "../guide/decide.html#a",
            "../guide/decide.md#a",
        ),
        (
            "guide/decide.md",
            "guide/decide.html",
            "guide/decide.html",
            OFFLINE,
            "../patterns/index.html",
            "../patterns/index.md",
        ),
        ("guide/decide.md", "guide/decide.html", "guide/decide.html", OFFLINE, "../facts.json", "../facts.json"),
        ("index.md", "index.html", "index.html", OFFLINE, "patterns/index.html", "patterns/index.md"),
        ("index.md", "index.html", "", HOSTED, "https://example.com/patterns/", "https://example.com/patterns/"),
        ("index.md", "index.html", "", HOSTED, "#here", "#here"),
    ],
)
def test_a_link_of_a_page_is_one_of_its_twin(
    uri: str, dest: str, url: str, twins: dict[str, str], href: str, leads: str
):
    page = sheet("", uri)
    page.dest, page.url = dest, url
    made = twin(parse(f'<p><a href="{href}">x</a></p>'), page, {}, twins)
    assert made.text("").endswith(f"\n[x]({leads})\n")
