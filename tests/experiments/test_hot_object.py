"""Mistake 3: one object for everything is a queue; an object for each event is many short ones."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import quantiles
from time import perf_counter

import httpx
import pytest

from runtime.workers import Example, Runtime
from tests.experiments.measure import EXPERIMENTS, Column, Row, check

RESERVATIONS, EVENTS, CLIENTS, WORK_MS = 100, 20, 40, 10


@dataclass(frozen=True)
class Rush:
    """One rush of reservations.

    Attributes:
        numbers: the seat number that each reservation got, by event.
        at_work: the most objects that were at work at the same time.
        took_ms: from the first request to the last answer.
        slowest_ms: what 95 of 100 callers stayed under.
    """

    numbers: dict[str, list[int]]
    at_work: int
    took_ms: int
    slowest_ms: int


def rush(example: Example, way: str) -> Rush:
    def reserve(number: int) -> tuple[str, int, int, float]:
        event, start = f"event-{number % EVENTS}", perf_counter()
        answer = client.post(f"/{way}/{event}").raise_for_status().json()
        return event, answer["taken"], answer["atWork"], perf_counter() - start

    limits = httpx.Limits(max_connections=CLIENTS)
    with httpx.Client(base_url=example.url, limits=limits) as client, ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(reserve, range(EVENTS)))  # the objects are there before the rush
        start = perf_counter()
        answers = list(pool.map(reserve, range(RESERVATIONS)))
        took = perf_counter() - start
    numbers: dict[str, list[int]] = {}
    for event, taken, *_ in answers:
        numbers.setdefault(event, []).append(taken)
    slowest = quantiles([a[3] for a in answers], n=20)[-1]
    return Rush(numbers, max(a[2] for a in answers), round(1000 * took), round(1000 * slowest))


@pytest.fixture(scope="module")
def measured(runtime: Runtime) -> dict[str, Rush]:
    with runtime.example(EXPERIMENTS / "hot-object") as example:
        return {way: rush(example, way) for way in ("one", "each")}


def test_one_object_does_all_work_one_after_the_other(measured):
    assert measured["one"].at_work == 1
    assert sorted(n for numbers in measured["one"].numbers.values() for n in numbers) == list(
        range(1 + EVENTS, 1 + EVENTS + RESERVATIONS)
    )


def test_objects_for_each_event_work_at_the_same_time_and_still_give_no_seat_twice(measured):
    assert measured["each"].at_work > 1
    for event, numbers in measured["each"].numbers.items():
        assert sorted(numbers) == list(range(2, 2 + RESERVATIONS // EVENTS)), event


def test_the_page_shows_what_is_measured(measured, pytestconfig):
    columns = [
        Column("Objects"),
        Column("All done after", "ms", timed=True, bars=True),
        Column("95 of 100 waited at most", "ms", timed=True),
    ]
    rows = [
        Row("One object, named global", "wrong", (1, measured["one"].took_ms, measured["one"].slowest_ms)),
        Row("One object for each event", "right", (EVENTS, measured["each"].took_ms, measured["each"].slowest_ms)),
    ]
    what = f"{RESERVATIONS} reservations for {EVENTS} events from {CLIENTS} clients at once; each needs its object alone for {WORK_MS} ms"
    check(pytestconfig, "hot-object", what, columns, rows)
