"""Every figure on a page is tied to a fact with source and date, and says what the data says."""

import re
from pathlib import Path

import pytest
import yaml

from model.facts import MARKDOWN_LINK, UPDATE, differing, load
from tests.support.pages import ROOT, PageSource, every_page

FACTS = load()
OWN_NUMBERS = ROOT / "docs" / "data" / "own-numbers.yml"
NUMBER = re.compile(
    r"(?<![\w.,-])(?:(?:USD|\$|€) ?\d[\d,.]*"
    r"|\d[\d,.]*(?: (?:million|billion|thousand|M|B))?[ -]?(?:%|percent\b|(?:ms|milliseconds?|s|seconds?|min|minutes?|h|hours?|days?|weeks?"
    r"|months?|years?|bytes?|[KMGT]i?B|requests?|reads?|writes?|operations?|messages?|keys?|rows?|vectors?|dimensions?|steps?"
    r"|users?|seats?|rules?|policies|certificates?|tokens?|connections?|objects?|databases?|files?|queues?|retries|attempts"
    r"|hostnames?|endpoints?|scripts?|Workers|neurons|instances?|columns|parameters|parts|replicas?|subrequests?)\b))"
)
FREE_PAGES = {"docs/reference/limits.md"}


def test_there_are_facts():
    assert len(FACTS) >= 60


@pytest.mark.parametrize("page", [pytest.param(p, id=p.place) for p in every_page()])
def test_every_fact_on_the_page_exists_and_reads_as_in_the_data(page: PageSource, request: pytest.FixtureRequest):
    for match in MARKDOWN_LINK.finditer(page.text):
        assert match["id"] in FACTS, f"{page.place}:{page.line(match.start())}: unknown fact {match['id']}"
    wrong = differing(page.text, FACTS)
    if wrong and request.config.getoption("--update"):
        text = page.text
        for match, right in reversed(wrong):
            text = text[: match.start("text")] + right + text[match.end("text") :]
        Path(page.path).write_text(text, encoding="utf-8")
        return
    for match, right in wrong:
        pytest.fail(
            f"{page.place}:{page.line(match.start())}: says '{match['text']}', the fact {match['id']} says '{right}'. "
            f"Run `{UPDATE}`."
        )


def own_numbers() -> dict[tuple[str, str], str]:
    return {(e["page"], e["text"]): e["reason"] for e in yaml.safe_load(OWN_NUMBERS.read_text()) or []}


@pytest.mark.parametrize("page", [pytest.param(p, id=p.place) for p in every_page() if p.place not in FREE_PAGES])
def test_no_figure_stands_in_prose_without_a_fact(page: PageSource):
    blank = lambda m: " " * len(m[0])
    prose = MARKDOWN_LINK.sub(blank, page.without_code)
    allowed = own_numbers()
    for match in NUMBER.finditer(re.sub(r"\]\([^)]*\)", blank, prose)):
        line = prose.count("\n", 0, match.start()) + 1
        assert (page.place, match[0].rstrip(".,")) in allowed, (
            f"{page.place}:{line}: '{match[0]}' is not tied to a fact. Link it to one, or, when it is a number of our "
            "own example, add it to docs/data/own-numbers.yml with the reason."
        )


def test_every_number_of_our_own_is_still_on_its_page_and_gives_a_reason():
    for (place, text), reason in own_numbers().items():
        assert text in (ROOT / place).read_text(encoding="utf-8"), f"own-numbers.yml: '{text}' is gone from {place}"
        assert len(reason) > 10


def test_the_reference_lists_every_fact():
    assert "<!-- facts: every fact by product -->" in (ROOT / "docs" / "reference" / "limits.md").read_text()
