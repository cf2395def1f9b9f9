"""What the build cannot read stops it with file, line and remedy: nothing is left out silently."""

import re

import pytest

from hooks import markers
from hooks.live import buttons
from hooks.page import lead, template
from hooks.page.sheet import Sheet
from hooks.page.tree import parse
from model import facts
from model.files import GuideError
from model.markdown import FenceError
from tests.support.sheets import sheet, the_guide

PATTERN = "patterns/global-api-kv.md"
SERVICES = """# X

## Services involved

| Service | Its job here | What you could use instead |
|---|---|---|
{}
"""
LIMITS = "# X\n\n| Limit | Plan | Source |\n|---|---|---|\n| [1 write per second](fact:kv-write-rate) | {} | [2026](fact:kv-write-rate#source) |\n"
PLAN = the_guide().facts["kv-write-rate"].plan
CURL = "```console\n$ curl -s http://localhost:8787/a\n```\n"


def build(page: Sheet) -> str:
    """Take a page through all that reads its Markdown, in the order of ``hooks/site.py``."""
    template.check(page, the_guide())
    facts.check_links(page.markdown, the_guide().facts, page.wrong)
    return markers.fill(page, the_guide())


# What is wrong: the page below its front matter, its file, and the message behind the file's name.
WRONG = {
    "an unknown marker": (
        "a\n\n<!-- cost -->\n",
        PATTERN,
        ":6: the marker <!-- cost --> is unknown. Known are: costs; ",
    ),
    "a marker without its name": (
        "<!-- experiment: -->",
        "guide/x.md",
        ":4: the marker <!-- experiment: --> is unknown.",
    ),
    "a marker with a capital": ("<!--\n  Costs\n-->", PATTERN, ":4: the marker <!-- Costs --> is unknown."),
    "a comment": ("<!-- prettier-ignore -->", "guide/x.md", ":4: the marker <!-- prettier-ignore --> is unknown."),
    "a marker of patterns on a guide": (
        "a\n<!-- costs -->",
        "guide/x.md",
        ":5: <!-- costs --> means something on docs/patterns/*.md only. Remove it.",
    ),
    "a marker of guides on a pattern": (
        "<!-- facts: sources by product -->",
        PATTERN,
        ":4: <!-- facts: sources by product --> means something on docs/guide/*.md only.",
    ),
    "a marker twice": (
        "<!-- costs -->\n\n<!-- costs -->",
        PATTERN,
        ":6: <!-- costs --> is on this page already. Link to it instead.",
    ),
    "costs without data": (
        "<!-- costs -->",
        "patterns/new-one.md",
        ":4: there is no docs/data/costs/patterns/new-one.yml. Write it.",
    ),
    "an unknown question": (
        "<!-- decide: table of gone -->",
        "guide/x.md",
        ":4: docs/data/decide.yml has no question 'gone'. Known are: ",
    ),
    "an unknown example": ("<!-- example: gone -->", "guide/x.md", ":4: there is no example snippets/gone."),
    "a heading with an attribute": (
        "# X\n\n## Build it {#build-it}\n",
        PATTERN,
        ":6: the template has no heading '## Build it {#build-it}'. Write '## ' and one of these",
    ),
    "a heading in other words": (
        "# X\n\n## How to build it\n",
        PATTERN,
        ":6: the template has no heading '## How to build it'.",
    ),
    "a heading without a blank": ("# X\n\n##Build it\n", PATTERN, ":6: the template has no heading '##Build it'."),
    "a heading with a blank more": (
        "# X\n\n## Build it \n",
        PATTERN,
        ":6: the template has no heading '## Build it '.",
    ),
    "a service that is no product": (
        SERVICES.format("| Wrokers | Answers | A server |"),
        PATTERN,
        ":10: 'Wrokers' names no product of docs/data/products.yml. Begin the row",
    ),
    "a pipe in a cell": (
        SERVICES.format("| Workers KV | Holds a | b | A server |"),
        PATTERN,
        ":10: this row has 4 cells and not 3. Write a pipe inside a cell as \\|.",
    ),
    "a plan in own words": (
        LIMITS.format("some plan"),
        "reference/x.md",
        ":8: write the plan as a link to its fact: [the fact's plan](fact:kv-write-rate#plan).",
    ),
    "a plan that differs": (
        LIMITS.format("[some plan](fact:kv-write-rate#plan)"),
        "reference/x.md",
        f":8: says 'some plan', but the plan of kv-write-rate is {PLAN!r}. Write that.",
    ),
    "an unknown fact": (
        "a [1](fact:kv-wirte-rate)",
        "guide/x.md",
        ":4: names the unknown fact kv-wirte-rate. Add it under docs/data/facts, or correct the id.",
    ),
    "a fact with capitals": (
        "a [1](fact:KV-write)",
        "guide/x.md",
        ":4: (fact:KV-write) is no link to a fact that can be read. Write [value](fact:id)",
    ),
    "a fact over two lines": (
        "a [1 write\nper second](fact:kv-write-rate)",
        "guide/x.md",
        ":5: (fact:kv-write-rate) is no link to a fact that can be read.",
    ),
    "an unknown part of a fact": (
        "a [1](fact:kv-write-rate#date)",
        "guide/x.md",
        ":4: (fact:kv-write-rate#date) is no link to a fact that can be read.",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_read_is_refused_with_file_line_and_remedy(what: str):
    markdown, uri, message = WRONG[what]
    page = sheet(markdown, uri, **({"pattern": 3} if uri == PATTERN else {}))
    with pytest.raises(GuideError, match=re.escape(f"docs/{uri}{message}")):
        build(page)


def test_what_can_be_read_is_read():
    escaped = SERVICES.format("| Workers KV | Holds `a\\|b` | A server |\n| Your own code | Waits | Nothing |")
    build(sheet(escaped, PATTERN, pattern=3))
    build(sheet(LIMITS.format(f"[{PLAN}](fact:kv-write-rate#plan)"), "reference/x.md"))
    assert build(sheet("```html\n<!-- cost -->\n```\n", PATTERN)) == "```html\n<!-- cost -->\n```\n", "code is code"
    assert build(sheet("<!--costs-->", PATTERN)).startswith("### What a month costs")


@pytest.mark.parametrize(
    ("markdown", "markup", "message"),
    [
        (f"a\n\n{CURL}", "<p>a</p>", ":6: this transcript is no block of its own. Write a fence with three backticks"),
        (
            f"{CURL}\n{CURL.replace('/a', '/b')}",
            '<div class="language-console highlight"><pre><code>$ curl -s http://localhost:8787/b</code></pre></div>'
            * 2,
            ":4: this transcript is no block of its own.",
        ),
        (
            "a",
            '<div class="language-console highlight"><pre>$ curl</pre></div>',
            ": a block shows a console that is no fence.",
        ),
    ],
    ids=["a fence that is no block", "a block of another fence", "a block without a fence"],
)
def test_a_transcript_that_is_not_what_its_fence_says_stops_the_build(markdown: str, markup: str, message: str):
    with pytest.raises(GuideError, match=re.escape(f"docs/{PATTERN}{message}")):
        buttons.put_bars(parse(markup), sheet(markdown, PATTERN), the_guide())


def test_a_fence_that_is_never_closed_is_named():
    with pytest.raises(FenceError, match=r"docs/guide/x\.md:4: this fence is never closed"):
        markers.fill(sheet("```console\n$ curl\n"), the_guide())


def test_a_service_that_is_no_product_is_named_with_its_line():
    page = sheet("# X\n\nLead.\n", PATTERN, pattern=3, services=["workers", "kvv"], plan="Free")
    page.source = "---\ntitle: The kvv page\nservices: [workers, kvv]\n---\n# X\n\nLead.\n"
    with pytest.raises(GuideError, match=r"^docs/patterns/global-api-kv\.md:3: unknown service 'kvv'\. Add it to "):
        lead.put_strip(parse("<h1>X</h1><p>Lead.</p>"), page, the_guide())
