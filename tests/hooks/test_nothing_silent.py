"""What the build cannot read stops it with file, line and remedy: nothing is left out silently."""

import re
from fnmatch import fnmatchcase

import pytest

from hooks import markers
from hooks.live import buttons
from hooks.page import raw, template
from hooks.page.sheet import Sheet
from hooks.page.tree import parse
from model import facts, patterns
from model.files import ROOT, GuideError, parse_yaml, shapes
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
    "a snippet section that is gone": (
        'a\n\n```ts\n--8<-- "snippets/global-api-kv/src/store.ts:gone"\n```\n',
        "guide/x.md",
        ":7: snippets/global-api-kv/src/store.ts has no section gone, or has it twice. Correct the name",
    ),
    "a snippet file that is gone": (
        '--8<-- "snippets/global-api-kv/source/a.ts:gone"\n',
        "guide/x.md",
        ":4: snippets/global-api-kv/source/a.ts is no file of the guide. Correct the name",
    ),
    "a snippet outside of the guide": (
        '--8<-- "../../../../../etc/hostname"\n',
        "guide/x.md",
        ":4: ../../../../../etc/hostname is no file of the guide.",
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
    page = sheet(markdown, uri, **({"pattern": 3} if uri.startswith("patterns/") else {}))
    with pytest.raises(GuideError, match=re.escape(f"docs/{uri}{message}")):
        build(page)


def test_what_can_be_read_is_read():
    escaped = SERVICES.format("| Workers KV | Holds `a\\|b` | A server |\n| Your own code | Waits | Nothing |")
    build(sheet(escaped, PATTERN, pattern=3))
    build(sheet(LIMITS.format(f"[{PLAN}](fact:kv-write-rate#plan)"), "reference/x.md"))
    assert build(sheet("```html\n<!-- cost -->\n```\n", PATTERN, pattern=3)) == "```html\n<!-- cost -->\n```\n", (
        "code is code"
    )
    assert build(sheet("<!--costs-->", PATTERN, pattern=3)).startswith("### What a month costs")


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
    with pytest.raises(GuideError, match=r"docs/guide/x\.md:4: this fence is never closed"):
        markers.fill(sheet("```console\n$ curl\n"), the_guide())


def test_a_service_that_is_no_product_is_named_with_its_line():
    page = (ROOT / "docs" / PATTERN).read_text().replace("title: ", "title: kvv, ", 1)
    with pytest.raises(GuideError, match=r"^docs/patterns/global-api-kv\.md:5: unknown service 'kvv'\. Add it to "):
        patterns.parse("global-api-kv", page.replace("services: [workers, kv,", "services: [workers, kvv,"))


# What a file of data says, and what the message says behind the file's name.
DAMAGED = {
    "docs/data/glossary.yml": {
        "- { term: x, text: [a] }": ":1: 0.text is ['a']. Write a text.",
        "- { term: x }": ":1: 0 lacks text. Add it.",
        "- { term: a, text: b }\n- { term: c, text: d, more: 1 }": ":2: 1.more is unknown here. Remove it, or write one of ",
        "term: x": ":1: the file is no list. Write one",
        "": ":1: the file is no list. Write one",
        "- { term: x, text: 'a <ScRipt>b' }": ":1: 0.text holds code that a browser would run. Data is text: take it out.",
    },
    "docs/data/products.yml": {"kv: { name: KV }": ":1: kv lacks url. Add it.", "kv: 1": ":1: kv is no mapping."},
    "docs/data/search.yml": {"guide/x.md: words": ":1: guide/x.md is no list."},
    "docs/data/moved.yml": {"- { old: a/, new: b/, date: soon }": ":1: 0.date is 'soon'. Write a date."},
    "docs/data/own-numbers.yml": {"- { page: x, text: 5, reason: x }": ":1: 0.text is 5. Write a text."},
    "docs/data/decide.yml": {
        "questions: []": ":1: the file lacks order. Add it.",
        "order: {}\nquestions:\n  - id: x y\n    ask: a\n    hint: b\n    answers: []": ":3: questions.0.id is 'x y'. Write lower",
    },
    "docs/data/facts/kv.yml": {
        "- id: a": ":1: 0 lacks claim, value, unit, plan, source, as_of, evidence, confidence. Add it.",
        "- id: KV\n  claim: a\n  colour: red": ":1: 0 lacks ",
    },
    "docs/data/costs/meters.yml": {"plans: {}\nmeters: 1": ":2: meters is no list."},
    "docs/data/costs/vendor-examples.yml": {"- title: a\n  total: 1": ":1: 0 lacks source, as_of, lines. Add it."},
    "docs/data/costs/patterns/x.yml": {
        "volumes: { a: { label: x, sizes: [1, 2, true] } }": ":1: volumes.a.sizes.2 is True."
    },
    "docs/data/live/paths.yml": {"x:\n  - { status: 200 }": ":2: x.0 lacks steps. Add it."},
    "docs/data/live/recorded.json": {'{\n"x": {"sha": 1}}': ":2: x lacks workerd, date. Add it."},
    "docs/data/experiments/x.json": {'{"what": 1': ":1: not YAML: "},
    "docs/patterns/x.md": {
        "title: [": ":1: not YAML: ",
        "state: red": ":1: the file lacks title, description, pattern, services, ",
    },
    "docs/guide/x.md": {"title: x\ndescription: 5": ":2: description is 5. Write a text."},
}


@pytest.mark.parametrize(("place", "text"), [(place, text) for place, texts in DAMAGED.items() for text in texts])
def test_data_of_another_shape_is_refused_with_file_line_and_remedy(place: str, text: str):
    with pytest.raises(GuideError, match=f"^{re.escape(place + DAMAGED[place][text])}") as caught:
        parse_yaml(text, place)
    assert "\n" not in str(caught.value)


def test_every_file_of_data_has_a_shape():
    found = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs" / "data").rglob("*.*")}
    names = {name for name in found if not any(fnmatchcase(name, shape) for shape in shapes())}
    assert names == {"docs/data/patterns.schema.json"}


@pytest.mark.parametrize("field", ["state", "exposure"])
def test_front_matter_says_one_of_the_known_words(field: str):
    page = re.sub(f"^{field}: .*", f"{field}: red", (ROOT / "docs" / PATTERN).read_text(), count=1, flags=re.M)
    with pytest.raises(GuideError, match=rf"^docs/patterns/global-api-kv\.md:\d+: {field} is 'red'\. Write one of "):
        patterns.parse("global-api-kv", page)


def test_broken_front_matter_of_any_page_is_named():
    page = sheet("text\n")
    page.source = "---\ntitle: [\n---\ntext\n"
    with pytest.raises(GuideError, match=r"^docs/guide/x\.md:2: not YAML: .+\. Correct it\.$"):
        build(page)


RUNS = {
    "<script>alert(1)</script>": "<script",
    "<SCRIPT src=x.js></SCRIPT>": "<script",
    "<p onpointerenter='a()'>b</p>": "onpointerenter",
    "<svg/onload=a()>": "onload",
    "<a href='javascript:a()'>b</a>": "href",
    "<a href='java&#115;cript&colon;a()'>b</a>": "href",
    "<a href=' java\tscript:a()'>b</a>": "href",
    "<svg><a xlink:href='javascript:a()'><text>b</text></a></svg>": "xlink:href",
    "<svg><animate attributeName=href values='javascript:a()'></svg>": "values",
    "<iframe srcdoc='<p>'></iframe>": "srcdoc",
    "<object data=x></object>": "<object",
    "<base href=x>": "<base",
    "<meta http-equiv=refresh content='0; url=x'>": "<meta",
    "<style>p { color: red }</style>": "<style",
    "<link rel=stylesheet href=x>": "<link",
}


@pytest.mark.parametrize("markup", RUNS)
def test_what_would_run_in_a_readers_browser_is_refused_with_file_and_line(markup: str):
    message = f"docs/guide/x.md:6: {RUNS[markup]} would run in the reader's browser. Remove it from the page"
    with pytest.raises(GuideError, match=f"^{re.escape(message)}"):
        raw.check(parse(f"<p>a</p>{markup}"), sheet(f"a\n\n{markup}\n"))


def test_text_about_scripts_is_text():
    raw.check(
        parse('<p title="on=1">a <code>&lt;script onclick=a()&gt;</code> javascript: <a href="../data/">b</a></p>'),
        sheet("a"),
    )
