"""Mistake 13: two statements that belong together, and the second one fails."""

from dataclasses import dataclass

import pytest

from runtime.workers import Runtime
from tests.experiments.measure import EXPERIMENTS, Column, Row, check

CENTS = 1000
TRANSFERS = [("ana", "ben"), ("ana", "full"), ("ana", "full"), ("ana", "ben"), ("ana", "full")]
TOTAL = 100_000


@dataclass(frozen=True)
class Money:
    """What five transfers answered, and what all accounts hold together afterwards."""

    answers: list[int]
    total: int


@pytest.fixture(scope="module")
def measured(runtime: Runtime) -> dict[str, Money]:
    seen = {}
    for way in ("one-by-one", "together"):
        with runtime.example(EXPERIMENTS / "half-written") as example:
            example.migrate("DB")
            sent = [example.http.post(f"/{way}", params={"from": a, "to": b, "cents": CENTS}) for a, b in TRANSFERS]
            total = example.d1("DB", "SELECT sum(cents) AS total FROM accounts")[0]["total"]
            seen[way] = Money([a.status_code for a in sent], total)
    return seen


def test_both_ways_tell_the_caller_the_same(measured):
    assert measured["one-by-one"].answers == measured["together"].answers == [204, 409, 409, 204, 409]


def test_one_by_one_loses_the_money_of_each_transfer_that_fails(measured):
    assert measured["one-by-one"].total == TOTAL - 3 * CENTS


def test_in_a_batch_nothing_is_lost(measured):
    assert measured["together"].total == TOTAL


def test_the_page_shows_what_is_measured(measured, pytestconfig):
    columns = [Column("Refused transfers"), Column("Money before"), Column("Money after"), Column("Gone", bars=True)]
    ways = (("One statement after the other", "wrong", "one-by-one"), ("batch()", "right", "together"))
    rows = [
        Row(label, side, (m.answers.count(409), TOTAL // 100, m.total // 100, (TOTAL - m.total) // 100))
        for label, side, way in ways
        for m in [measured[way]]
    ]
    what = f"{len(TRANSFERS)} transfers of {CENTS // 100} each; three go to an account that may hold no more"
    check(pytestconfig, "half-written", what, columns, rows)
