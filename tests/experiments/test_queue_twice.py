"""Mistake 9: a consumer that takes a queue for exactly once charges some people often and others never."""

from collections import Counter
from dataclasses import dataclass

import pytest

from runtime.workers import Example, Runtime
from tests.experiments.measure import EXPERIMENTS, Column, Row, check
from tests.support.patience import until

PAYMENTS = [{"id": f"payment-{n}", "cents": 0 if n == 7 else 100 * n} for n in range(1, 11)]
GOOD = [p["id"] for p in PAYMENTS if p["cents"]]


@dataclass(frozen=True)
class Ledger:
    """How often each good payment was charged, and which payments were kept for a person to look at."""

    charged: Counter[str]
    kept: list[str]

    @property
    def often(self) -> int:
        return sum(count > 1 for count in self.charged.values())

    @property
    def never(self) -> int:
        return len(set(GOOD) - set(self.charged))


def ledger(example: Example, table: str) -> Ledger:
    rows = example.d1("DB", f"SELECT payment FROM {table}")
    kept = example.d1("DB", "SELECT payment FROM kept")
    return Ledger(Counter(r["payment"] for r in rows), [r["payment"] for r in kept])


def send(example: Example, binding: str) -> None:
    example.call(binding, "sendBatch", [{"body": payment} for payment in PAYMENTS])


@pytest.fixture(scope="module")
def measured(runtime: Runtime) -> dict[str, Ledger]:
    with runtime.example(EXPERIMENTS / "queue-twice") as example:
        example.migrate("DB")
        send(example, "CARELESS")
        # Three attempts, then the batch is thrown away: six rows each time.
        until(lambda: len(example.d1("DB", "SELECT 1 FROM charges")) >= 18)
        careless = ledger(example, "charges")
        send(example, "CAREFUL")
        until(lambda: ledger(example, "charges_once").kept == ["payment-7"])
        until(lambda: len(example.d1("DB", "SELECT 1 FROM charges_once")) == len(GOOD))
        # The producer was not sure, and sends everything again.
        send(example, "CAREFUL")
        until(lambda: sum('"attempts":3' in line for line in example.logs()) == 2)
        return {"careless": careless, "careful": ledger(example, "charges_once")}


def test_one_bad_message_makes_a_careless_consumer_charge_others_again(measured):
    assert {p: n for p, n in measured["careless"].charged.items() if n > 1} == {f"payment-{n}": 3 for n in range(1, 7)}


def test_what_comes_after_the_bad_message_is_lost_without_a_dead_letter_queue(measured):
    assert set(GOOD) - set(measured["careless"].charged) == {"payment-8", "payment-9", "payment-10"}
    assert measured["careless"].kept == []


def test_a_careful_consumer_charges_each_good_payment_once_also_when_it_is_sent_twice(measured):
    assert measured["careful"].charged == Counter(GOOD)


def test_the_bad_payment_waits_in_the_dead_letter_queue(measured):
    assert measured["careful"].kept == ["payment-7"]


def test_the_page_shows_what_is_measured(measured, pytestconfig):
    columns = [
        Column("Charged more than once", bars=True),
        Column("Never charged", bars=True),
        Column("Kept for a person"),
    ]
    ways = (("Trusts the queue", "wrong", "careless"), ("Confirms and remembers each", "right", "careful"))
    rows = [Row(label, side, (m.often, m.never, len(m.kept))) for label, side, way in ways for m in [measured[way]]]
    check(pytestconfig, "queue-twice", "9 good payments and a bad one, in one batch", columns, rows)
