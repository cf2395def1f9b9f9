"""No fence escapes the runner, and each broken one names file, line and remedy."""

import re
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
from sybil import Document
from sybil import Example as Snippet

from model.files import GuideError
from runtime.setups import EXAMPLES
from runtime.workers import Runtime
from tests.documents.fences import fences, included, section
from tests.documents.runner import EVALUATORS, SYBILS, parse, slug_of
from tests.documents.transcripts import check, commands, matches
from tests.support.pages import ROOT, SLUGS, every_page

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "snippets").glob("*/README.md")), *(p.path for p in every_page())]

# What a page shows without scrolling sideways when its window is 1,280 px wide.
PAGE_CHARS = 94
# Each has one value that cannot be broken.
UNBREAKABLE = {
    "snippets/private-machine-api/vectors.json",
    "snippets/secure-egress/terraform/http.tf:http",
    "snippets/static-site-api/public/_headers",
}


def test_every_document_has_a_collector_and_every_fence_is_collected():
    opening = re.compile(r"^ *(?:`{3,}|~{3,})", re.M)
    total = 0
    for path in DOCUMENTS:
        sybil = [s for s in SYBILS if s.should_parse(path)]
        assert len(sybil) == 1, f"{path}: {len(sybil)} collectors"
        collected = len(list(sybil[0].parse(path).examples()))
        assert collected * 2 == len(opening.findall(path.read_text())), path
        total += collected
    assert total >= 50


def test_every_language_that_pages_use_has_an_evaluator():
    used = {f.language for path in DOCUMENTS for f in fences(path.read_text(), path.name)}
    assert used <= EVALUATORS.keys()
    assert {"console", "mermaid", "python", "toml", "typescript"} <= used


def test_every_pattern_shows_transcripts_and_code():
    for slug in SLUGS:
        page = ROOT / "docs" / "patterns" / f"{slug}.md"
        found = list(fences(page.read_text(), slug))
        assert sum(c.runs for f in found if f.language == "console" for c in commands(f, slug)) >= 3, slug
        assert sum("--8<--" in f.body for f in found) >= 3, slug


@pytest.mark.parametrize(
    "opening",
    ["```python", '```python title="a.py"', "``` python", "```{.python}", "````python", "~~~python", "   ```python"],
)
def test_every_spelling_of_a_fence_is_found(opening: str):
    closing = re.match(r" *[`~]+", opening)[0]
    assert [f.language for f in fences(f"a\n\n{opening}\nx = 1\n{closing}\n", "page")] == ["python"]


def test_a_fence_that_is_never_closed_is_named():
    with pytest.raises(GuideError, match="page:3: this fence is never closed"):
        list(fences("a\n\n```python\nx = 1\n", "page"))


@pytest.mark.parametrize("language", ["", "ruby", "ts"])
def test_a_language_that_nothing_runs_is_refused(language: str):
    with pytest.raises(GuideError, match=rf"docs/page\.md:1: no test runs the language '{language}'"):
        list(parse(Document(f"```{language}\nx\n```\n", str(ROOT / "docs" / "page.md"))))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("const x = 1;", "page:2: put this code into a tested file"),
        ('--8<-- "snippets/global-api-kv/src/gone.ts"', "page:2: snippets/global-api-kv/src/gone.ts is no file"),
        ('--8<-- "tools/diagrams/draw.js"', "page:2: tools/diagrams/draw.js is no file under snippets/"),
        ('--8<-- "snippets/global-api-kv/src/index.ts:gone"', r"page:2: .*\[start:gone\] occurs 0 times"),
    ],
)
def test_a_bad_include_is_named(line: str, message: str):
    fence = next(fences(f"```typescript\n{line}\n```\n", "page"))
    with pytest.raises(GuideError, match=message):
        included(fence, "page")


def test_code_fits_the_page_of_a_laptop():
    wide, shown = {}, 0
    for path in DOCUMENTS:
        for fence in fences(path.read_text(), path.name):
            for name in re.findall(r'--8<-- "(\S+)"', fence.body):
                shown += 1
                code = textwrap.dedent(included(replace(fence, body=f'--8<-- "{name}"\n'), path.name))
                too_wide = [line for line in code.splitlines() if len(line) > PAGE_CHARS]
                wide |= {name: too_wide} if too_wide else {}
    assert shown > 200 and wide.keys() == UNBREAKABLE, wide


def test_a_section_without_its_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tests.documents.fences.ROOT", tmp_path)
    (tmp_path / "a.ts").write_text("// --8<-- [start:x]\nconst x = 1;\n")
    with pytest.raises(GuideError, match=r"a\.ts: \[end:x\] occurs 0 times"):
        section(tmp_path / "a.ts", "x")
    (tmp_path / "a.ts").write_text("// --8<-- [start:x]\n// --8<-- [end:x]\n")
    with pytest.raises(GuideError, match="section x is empty"):
        section(tmp_path / "a.ts", "x")


def test_commands_and_output_are_told_apart():
    fence = next(
        fences("```console\n$ curl -s http://localhost:8787/a \\\n    -H 'A: b'\n{}\n$ uv run npm ci\n```\n", "page")
    )
    one, two = commands(fence, "page")
    assert (one.text, one.expected, one.line, one.runs) == (
        "curl -s http://localhost:8787/a \\\n    -H 'A: b'",
        "{}\n",
        2,
        True,
    )
    assert (two.text, two.expected, two.runs) == ("uv run npm ci", "", False)


def test_output_without_a_command_is_refused():
    with pytest.raises(GuideError, match="starts with"):
        commands(next(fences("```console\nHTTP/1.1 200 OK\n```\n", "page")), "page")


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("HTTP/1.1 200 OK\n…\n\n{}", "HTTP/1.1 200 OK\na: b\nc: d\n\n{}", True),
        ("HTTP/1.1 200 OK\n…\n\n{}", "HTTP/1.1 200 OK\n\n{}", True),
        ('{"id":"…"}', '{"id":"4711"}', True),
        ('{"id":"…"}', '{"id":"4711"}\nmore', False),
        ("HTTP/1.1 200 OK", "HTTP/1.1 201 Created", False),
        ("a.c", "abc", False),
    ],
)
def test_output_is_compared_to_the_letter_but_for_the_ellipsis(expected: str, actual: str, same: bool):
    assert matches(expected, actual) is same


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("", "quick-start"),
        ("<!-- example: global-api-kv -->\n", "global-api-kv"),
        ("<!-- example: global-api-kv -->\n<!-- example: private-machine-api -->\n", "private-machine-api"),
    ],
)
def test_a_guide_names_the_example_of_its_transcripts(text: str, slug: str):
    document = Document(
        f"{text}```console\n$ curl -s http://localhost:8787/\n```\n", str(ROOT / "docs" / "guide" / "quick-start.md")
    )
    region = next(iter(parse(document)))
    assert slug_of(Snippet(document, 1, 1, region, {})) == slug


def test_a_guide_that_names_no_example_of_ours_is_told():
    text = "<!-- example: nonsense -->\n```console\n$ curl -s http://localhost:8787/\n```\n"
    document = Document(text, str(ROOT / "docs" / "guide" / "quick-start.md"))
    with pytest.raises(GuideError, match=r"docs/guide/quick-start\.md:2: there is no example 'nonsense'"):
        slug_of(Snippet(document, 1, 1, next(iter(parse(document))), {}))


def test_a_changed_transcript_fails_with_its_line(runtime: Runtime):
    page = ROOT / "docs" / "patterns" / "global-api-kv.md"
    found = [
        c for f in fences(page.read_text(), "page") if f.language == "console" for c in commands(f, "page") if c.runs
    ]
    first = found[0]
    with EXAMPLES["global-api-kv"].run(runtime) as example:
        check(first, example.url, "page")
        wrong = type(first)(first.text, first.expected.replace("HTTP/1.1", "HTTP/9.9").replace("{", "["), first.line)
        with pytest.raises(GuideError, match=rf"(?s)page:{first.line}: \$ curl.*the page shows.*the example answers"):
            check(wrong, example.url, "page")
