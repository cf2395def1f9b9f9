"""Every use case has a picture, an order with reasons, and the patterns whose pages name it."""

import re

import pytest
import yaml
from markdown.extensions.toc import slugify

from model.chooser import RULES
from model.diagrams import fences
from tests.support.pages import DOCS, page, pattern_pages

PAGE = page(DOCS / "guide" / "use-cases.md")
MOST_BOXES = 8
ORIGINAL = {
    "small-company-website",
    "saas-mvp",
    "global-realtime-product",
    "enterprise-internal-tools",
    "existing-enterprise-app-modernization",
}


def cases() -> dict[str, str]:
    """Return each use case's id, which is its anchor, and its text."""
    return {slugify(heading, "-"): PAGE.section(heading) for heading in PAGE.headings}


def steps(text: str) -> list[str]:
    return re.findall(r"^\d+\. .*(?:\n   .*)*", text, re.M)


def test_the_five_of_the_original_are_there_and_at_least_five_more():
    assert cases().keys() > ORIGINAL and len(cases()) >= 10


@pytest.mark.parametrize("name", cases())
def test_a_use_case_and_the_front_matter_of_its_patterns_agree(name: str):
    listed = [re.findall(r"\.\./patterns/([a-z0-9-]+)\.md", step) for step in steps(cases()[name])]
    assert all(listed), f"{name}: each step names its pattern"
    named = {p.slug for p in pattern_pages() if name in p.meta["use_cases"]}
    assert {slug for step in listed for slug in step} == named, f"{name}: the list and the field use_cases differ"


def test_every_use_case_that_a_pattern_names_exists_and_no_pattern_is_without_one():
    for pattern in pattern_pages():
        assert set(pattern.meta["use_cases"]) <= cases().keys(), pattern.place
        assert pattern.meta["use_cases"] or "draft" in pattern.meta, (
            f"{pattern.place}: name a use case that it is part of"
        )


def test_a_link_says_the_name_of_the_pattern_to_which_it_leads():
    names = yaml.safe_load(RULES.read_text(encoding="utf-8"))["order"]
    links = re.findall(r"\[([^\]]+)\]\(\.\./patterns/([a-z0-9-]+)\.md\)", PAGE.text)
    assert len(links) > 60
    for text, slug in links:
        assert text == names[slug], f"{slug} is called {text}"


@pytest.mark.parametrize("name", cases())
def test_a_use_case_has_situation_picture_order_and_what_to_leave_out(name: str):
    text = cases()[name]
    situation = text.partition("```")[0]
    assert len(re.findall(r"[.?](?:\s|$)", situation)) == 2, f"{name}: the situation in two sentences"
    assert [int(step.partition(".")[0]) for step in steps(text)] == list(range(1, len(steps(text)) + 1))
    for step in steps(text):
        assert len(re.sub(r"\[[^\]]*\]\([^)]*\)", "", step).split()) >= 2, f"{name}: a reason for {step}"
    assert "**Leave out at first:**" in text and "**Plan for early:**" in text


@pytest.mark.parametrize("name", cases())
def test_the_picture_has_at_most_eight_boxes_and_its_arrows_carry_the_steps_of_the_list(name: str):
    [(_, source)] = fences(cases()[name])
    boxes = re.findall(r"^    (\w+)[\[({]", source, re.M)
    assert 4 <= len(boxes) <= MOST_BOXES, f"{name}: {len(boxes)} boxes"
    arrows = re.findall(r"^    (\w+) -->\|\"(\d+) [a-z][^\"]*\"\| (\w+)$", source, re.M)
    assert len(arrows) == source.count("-->"), f"{name}: each arrow has a number and a verb"
    assert {int(number) for _, number, _ in arrows} == set(range(1, len(steps(cases()[name])) + 1)), name
    assert {end for start, _, stop in arrows for end in (start, stop)} == set(boxes), f"{name}: a box without an arrow"
