"""Every pattern page keeps the template, so that a reader finds the same thing in the same place."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from hooks.page.template import HEADINGS
from model.diagrams import fences
from model.patterns import patterns
from model.products import products
from tests.support.pages import DOCS, ROOT, SLUGS, PageSource, every_page, pattern_pages

FIELDS = {"title", "description", "pattern", "services", "use_cases", "state", "exposure", "plan", "related"}
STATES = {"none", "read-heavy", "relational", "coordinated", "objects", "vectors"}
EXPOSURES = {"public", "private", "egress"}


def by_slug(pages: list[PageSource]) -> list:
    return [pytest.param(p, id=p.slug) for p in pages]


def test_every_pattern_has_its_page_and_its_place_in_the_navigation():
    nav = re.findall(r"patterns/([a-z0-9-]+)\.md", (ROOT / "mkdocs.yml").read_text())
    assert nav == ["index", *(p.slug for p in patterns())], "all patterns first, then each in the order of its number"
    assert len(SLUGS) == len(nav) - 1 >= 16


def test_every_pattern_has_example_and_test():
    examples = {p.name for p in (ROOT / "snippets").iterdir() if p.is_dir()}
    tests = {p.stem.removeprefix("test_").replace("_", "-") for p in (ROOT / "tests" / "snippets").glob("test_*.py")}
    assert examples == set(SLUGS), "snippets/ differs from the navigation in mkdocs.yml"
    assert set(SLUGS) <= tests, f"tests/snippets lacks a test file for {set(SLUGS) - tests}"


@pytest.mark.parametrize("page", by_slug(pattern_pages()))
def test_a_draft_is_told_from_a_finished_pattern(page: PageSource):
    if "draft" in page.meta:
        assert len(str(page.meta["draft"]).split()) > 3, f"{page.place}: say in words what is missing"
        return
    costs = DOCS / "data" / "costs" / "patterns" / f"{page.slug}.yml"
    own = {path: path.read_text() for path in (costs, *(ROOT / "snippets" / page.slug).glob("*.md"))}
    shared = {path: path.read_text() for path in (DOCS / "index.md", ROOT / "hosting/live/examples/not-hosted.yml")}
    for path, text in {page.path: page.text, **own, **shared}.items():
        for number, line in enumerate(text.splitlines(), start=1):
            left = "Draft:" in line and (path not in shared or page.slug in line)
            assert not left, f"{path.relative_to(ROOT)}:{number}: replace this text of the template"


@pytest.mark.parametrize("page", by_slug(pattern_pages()))
def test_the_front_matter_is_complete(page: PageSource):
    assert page.meta.keys() >= FIELDS, f"{page.place}: add {sorted(FIELDS - page.meta.keys())}"
    assert page.meta["state"] in STATES
    assert page.meta["exposure"] in EXPOSURES
    assert set(page.meta["related"]) <= set(SLUGS) - {page.slug}, f"{page.place}: related names an unknown slug"
    assert set(page.meta["services"]) <= products().keys(), f"{page.place}: unknown service"
    description = page.meta["description"]
    assert description.endswith(".") and len(description) <= 170, f"{page.place}: one sentence, at most 170 characters"


@pytest.mark.parametrize("page", by_slug(pattern_pages()))
def test_the_sections_stand_in_the_order_of_the_template(page: PageSource):
    assert page.headings == list(HEADINGS), f"{page.place}: H2 headings differ from the template"


@pytest.mark.parametrize("page", by_slug(pattern_pages()))
def test_limits_and_cost_hold_the_worked_cost_once(page: PageSource):
    marked = page.section("Limits and cost").count("<!-- costs -->")
    assert marked == ("Limits and cost" in page.headings), (
        f"{page.place}: put <!-- costs --> once under 'Limits and cost'"
    )
    assert page.text.count("<!-- costs -->") == marked, (
        f"{page.place}: <!-- costs --> belongs under 'Limits and cost' only"
    )
    assert "### What a month costs" not in page.text, f"{page.place}: the marker brings its own heading"


@pytest.mark.parametrize("page", by_slug(pattern_pages()))
def test_no_section_is_empty(page: PageSource):
    for heading in page.headings:
        assert len(page.section(heading).split()) >= 8, f"{page.place}: '{heading}' says nothing"


@pytest.mark.parametrize("page", by_slug(pattern_pages()))
def test_the_flow_explains_every_arrow_of_the_diagram(page: PageSource):
    drawn = fences(page.section("Diagram"))
    assert drawn, f"{page.place}: no diagram under 'Diagram'"
    labels = [m for _, source in drawn[:1] for m in re.findall(r"(?:\|\"?|: |-- \"?)(\d+)[ ·.]", source)]
    steps = re.findall(r"^(\d+)\. ", page.section("How a request flows"), re.M)
    assert labels, f"{page.place}: number the diagram's arrows"
    assert sorted(set(map(int, labels))) == list(map(int, steps)), f"{page.place}: arrows {labels}, steps {steps}"


@pytest.mark.parametrize("page", by_slug(pattern_pages()))
def test_every_avoid_when_says_where_to_go_instead(page: PageSource):
    items = re.findall(r"^- (.+(?:\n  .+)*)", page.section("Avoid when"), re.M)
    assert len(items) >= 2, f"{page.place}: give at least two conditions"
    assert len(re.findall(r"^- ", page.section("Good fit"), re.M)) >= 2, f"{page.place}: Good fit needs two items"
    for item in items:
        assert re.search(r"\]\((\.\./guide/)?[a-z0-9-]+\.md", item), f"{page.place}: no link onward in: {item}"


@pytest.mark.parametrize("page", [pytest.param(p, id=p.place) for p in every_page()])
def test_every_diagram_has_a_text_for_who_cannot_see_it(page: PageSource):
    for line, source in fences(page.text):
        for name in ("accTitle:", "accDescr:"):
            assert name in source, f"{page.place}:{line}: the diagram lacks {name}"
        if source.lstrip().startswith("flowchart"):
            assert re.search(r"^\s*click \w+ (href )?\"https://", source, re.M), f"{page.place}:{line}: link a product"


def test_the_site_has_at_least_the_diagrams_of_the_original():
    assert sum(len(fences(p.text)) for p in every_page()) >= 17


def test_the_nav_file_list_matches_the_folder():
    nav = set(re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text()))
    assert nav == {str(p.path.relative_to(DOCS)) for p in every_page()}


def test_one_compatibility_date_holds_for_every_example():
    files = sorted((ROOT / "snippets").rglob("wrangler.toml"))
    assert len(files) >= 5
    dates = {str(f.relative_to(ROOT)): tomllib.loads(f.read_text())["compatibility_date"] for f in files}
    assert len(set(dates.values())) == 1, dates


def test_the_site_says_that_it_is_independent():
    assert (
        "Independent and unofficial"
        in yaml.safe_load(re.sub(r"!\w+", "", Path(ROOT / "mkdocs.yml").read_text()))["copyright"]
    )


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("## Strengths\n", "## Advantages\n", "the_sections_stand_in_the_order_of_the_template"),
        ('|"1 ', '|"11 ', "the_flow_explains_every_arrow_of_the_diagram"),
        ("1. ", "2. ", "the_flow_explains_every_arrow_of_the_diagram"),
        ("accDescr:", "accText:", "every_diagram_has_a_text_for_who_cannot_see_it"),
        ("plan: ", "price: ", "the_front_matter_is_complete"),
        ("## Strengths\n", "## Strengths\n\n- Draft: x.\n", "a_draft_is_told_from_a_finished_pattern"),
        ("plan: ", "draft: soon\nplan: ", "a_draft_is_told_from_a_finished_pattern"),
    ],
    ids=[
        "a heading",
        "an arrow's number",
        "a step's number",
        "a text alternative",
        "the front matter",
        "a text of the template",
        "a draft without a reason",
    ],
)
def test_a_page_that_breaks_a_rule_is_named(old: str, new: str, rule: str):
    page = next(p for p in pattern_pages() if p.slug == "global-api-kv")
    assert old in page.text
    broken = PageSource(page.path, page.text.replace(old, new, 1))
    with pytest.raises(AssertionError, match=r"docs/patterns/global-api-kv\.md"):
        globals()[f"test_{rule}"](broken)
