"""A number is found however a page spells it, and only where it means what the fact says."""

import datetime

import pytest

from model.facts import Fact
from tools.facts.match import State, compare
from tools.facts.text import read

UNCHANGED, CHANGED, UNCLEAR = State.UNCHANGED, State.CHANGED, State.UNCLEAR


def state(html: str, value: float | int | str, unit: str, **more: str) -> State:
    day = datetime.date(2026, 9, 30)
    return compare([Fact("a", "A.", value, unit, "all", "https://x/", day, "page", "high", **more)], html)[0].state


@pytest.mark.parametrize(
    ("value", "unit", "page"),
    [
        (1000, "writes per day", "1,000 writes a day"),
        (1000, "writes per day", "1000 writes"),
        (1000, "writes per day", "1&nbsp;000 writes"),
        (1000, "writes per day", "1\u202f000 writes"),
        (1000, "writes per day", "1K writes"),
        (1000, "writes per day", "1 thousand writes"),
        (1000, "writes per day", "Writes: 1,000."),
        (1_000_000, "databases", "1 million databases"),
        (1_500_000, "rows", "1.5M rows"),
        (10, "million reads per month", "10 million reads"),
        (10, "million reads per month", "10,000,000 reads"),
        (25, "billion rows read per month", "first 25 billion rows"),
        (0.3, "USD per million requests", "$0.30 per million requests"),
        (0.3, "USD per million requests", "USD 0.3 / million requests"),
        (0.3, "USD per million requests", "US$ 0.30 for requests"),
        (5.0, "USD per month", "5 USD a month"),
        (5.0, "USD per month", "a month costs $5.00"),
        (24.0, "USD", "that makes $24"),
        (128, "MB", "128MB"),
        (128, "MB", "128 megabytes"),
        (10, "ms", "10 milliseconds"),
        (30, "seconds", "30 sec"),
        (5, "%", "a fee of 5%"),
        (5, "%", "5 percent"),
        (100, "policies", "100 policies"),
        (1, "query per row", "<table><tr><td>Queries</td><td>1</td></table>"),
        (10, "GB", "<table><tr><td>Storage in GB</td> <td>5</td><td>10</td><td>100</td></table>"),
        (10, "GB", "10 GB<sup>1</sup>"),
        (10, "GB", "GB: 10<sup>1</sup>"),
        (10, "GB", "<span>10</span> <b>GB</b>"),
        ("SSH, RDP and VNC", "", "You can use ssh, RDP\nand VNC."),
    ],
)
def test_a_value_is_found_in_its_usual_spellings(value: object, unit: str, page: str):
    assert state(f"<p>{page}</p>", value, unit) is UNCHANGED


@pytest.mark.parametrize(
    ("value", "unit", "page"),
    [
        (1000, "writes per day", "11,000 writes"),
        (1000, "writes per day", "1,000,000 writes"),
        (1000, "writes per day", "1,000.5 writes"),
        (1000, "writes per day", "1000 million writes"),
        (10, "writes", "10K writes"),
        (10, "writes", "the 10th write"),
        (10, "GB", "v10 GB"),
        (10, "GB", "since 2026-10 GB"),
        (5, "GB", "$5 for GB"),
        (10, "million reads", "10 reads"),
        (0.3, "USD per million requests", "0.30 per million requests"),
        (0.3, "USD per million requests", "$0.35 per million requests"),
        (5.0, "USD per month", "$5.05 per month"),
        (1000, "writes per day", f"1,000 readers {'x ' * 60} writes"),
        (1000, "writes per day", "1,000 rewrites"),
        (5, "seconds", "5 of Cloudflare's rooms"),
        (1000, "writes", "<script>1,000 writes</script><style>1,000 writes</style><!-- 1,000 writes -->"),
        (302, "", "302"),
        ("Enterprise", "", "Enterprise"),
        ("built in", "", "rebuilt in"),
        ("refuses nobody", "", "It asks, and lets everybody in."),
    ],
)
def test_what_only_looks_like_the_value_proves_nothing(value: object, unit: str, page: str):
    assert state(f"<p>{page}</p>", value, unit) is UNCLEAR


def test_a_number_without_a_unit_is_looked_for_by_the_words_that_pages_print_with_it():
    assert state("<p>The answer has status 429.</p>", 429, "", text="status 429") is UNCHANGED
    assert state("<p>429 people</p>", 429, "", text="status 429") is UNCLEAR


@pytest.mark.parametrize(
    ("found", "value", "unit", "verdict"),
    [
        ("1,000", 1000, "writes", UNCHANGED),
        ("1K", 1000, "writes", UNCHANGED),
        ("10", 10, "million reads", UNCHANGED),
        ("10 million", 10, "million reads", UNCHANGED),
        ("$0.30", 0.3, "USD per month", UNCHANGED),
        ("0.3 USD", 0.3, "USD per month", UNCHANGED),
        ("0.30", 0.3, "USD per month", UNCHANGED),
        ("enterprise", "Enterprise", "", UNCHANGED),
        ("2,000", 1000, "writes", CHANGED),
        ("10 billion", 10, "million reads", CHANGED),
        ("1,000 or more", 1000, "writes", CHANGED),
        ("unlimited", 1000, "writes", CHANGED),
        ("every plan", "Enterprise", "", CHANGED),
    ],
)
def test_a_find_pattern_decides_between_unchanged_and_changed(found: str, value: object, unit: str, verdict: State):
    assert state(f"<p>Limit: {found}</p>", value, unit, find="Limit: (.+)") is verdict


def test_one_right_match_of_several_is_enough():
    assert state("<p>Limit: 5</p><p>Limit: 1000</p>", 1000, "writes", find=r"Limit: (\d+)") is UNCHANGED


@pytest.mark.parametrize("pattern", [r"Limit:(\s)", "Limit:(x)?"])
def test_a_pattern_that_finds_no_value_is_no_change(pattern: str):
    assert state("<p>Limit: none</p>", 1000, "writes", find=pattern) is UNCLEAR


@pytest.mark.parametrize(
    "title", ["404", "Page not found · Docs", "Not Found", "Just a moment...", "Access denied", "Error"]
)
def test_an_error_page_is_known_by_its_title(title: str):
    assert state(f"<title>{title}</title><p>1,000 writes</p>", 1000, "writes") is UNCLEAR


@pytest.mark.parametrize("title", ["Error 1014", "Errors · Docs", "Limits", "Handle not found pages", ""])
def test_a_page_about_errors_is_no_error_page(title: str):
    assert state(f"<title>{title}</title><p>1,000 writes</p>", 1000, "writes") is UNCHANGED


def test_a_pattern_sees_one_space_inside_a_block_and_one_line_break_between_blocks():
    html = "<title> T\n</title><h2>Free  plan</h2>\n<table><tr><td>Writes\n per <b>d</b>ay</td><td>1&nbsp;000</td></tr></table>"
    assert read(html) == ("T", "Free plan\nWrites per day\n1 000")


def test_a_missing_end_tag_does_not_hide_the_page():
    assert read("</script><p>a<div>b")[1] == "a\nb"
