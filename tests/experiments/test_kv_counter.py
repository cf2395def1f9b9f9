"""Mistake 2: a counter in KV loses updates, a Durable Object loses none."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter

import pytest

from runtime.workers import Example, Runtime
from tests.experiments.measure import EXPERIMENTS, Column, Row, check

INCREMENTS, CLIENTS = 200, 20


@dataclass(frozen=True)
class Counted:
    """What was counted, and how long all increments took."""

    total: int
    took_ms: int

    @property
    def lost(self) -> int:
        return INCREMENTS - self.total


def count(example: Example, way: str) -> Counted:
    start = perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(lambda _: example.http.post(way), range(INCREMENTS)))
    took_ms = round(1000 * (perf_counter() - start))
    assert {a.status_code for a in answers} == {200}, "every client was told that its increment is stored"
    return Counted(example.http.get(way).json()["count"], took_ms)


@pytest.fixture(scope="module")
def measured(runtime: Runtime) -> dict[str, Counted]:
    with runtime.example(EXPERIMENTS / "kv-counter") as example:
        return {way: count(example, way) for way in ("/kv", "/object")}


def test_kv_loses_most_of_the_increments_that_come_at_once(measured):
    assert measured["/kv"].lost > INCREMENTS / 2


def test_a_durable_object_loses_none(measured):
    assert measured["/object"].lost == 0


def test_the_page_shows_what_is_measured(measured, pytestconfig):
    columns = [Column("Counted", loose=True), Column("Lost", loose=True, bars=True), Column("Time", "ms", timed=True)]
    ways = (("KV: read, add, write", "wrong", measured["/kv"]), ("Durable Object: add()", "right", measured["/object"]))
    rows = [Row(way, side, (c.total, c.lost, c.took_ms)) for way, side, c in ways]
    check(pytestconfig, "kv-counter", f"{INCREMENTS} increments from {CLIENTS} clients at once", columns, rows)
