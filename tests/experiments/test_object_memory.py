"""Mistake 11: what a Durable Object keeps in memory is gone when it has slept."""

import pytest

from runtime.workers import Runtime
from tests.experiments.measure import EXPERIMENTS, Column, Row, check

ITEMS = ("bread", "milk", "tea")


@pytest.fixture(scope="module")
def measured(runtime: Runtime) -> dict[str, dict[str, int]]:
    with runtime.example(EXPERIMENTS / "object-memory") as example:
        for item in ITEMS:
            example.http.post("/cart", params={"item": item}).raise_for_status()
        before = example.http.get("/cart").json()
        example.ask("evict", object="Cart", name="ana")
        return {"before": before, "after": example.http.get("/cart").json()}


def test_while_the_object_is_awake_nobody_sees_a_difference(measured):
    assert measured["before"] == {"memory": len(ITEMS), "storage": len(ITEMS)}


def test_after_its_sleep_only_stored_items_are_there(measured):
    assert measured["after"] == {"memory": 0, "storage": len(ITEMS)}


def test_the_page_shows_what_is_measured(measured, pytestconfig):
    columns = [Column("Before"), Column("After", bars=True)]
    ways = (("In a field of the class", "wrong", "memory"), ("In the object's storage", "right", "storage"))
    rows = [Row(label, side, (measured["before"][way], measured["after"][way])) for label, side, way in ways]
    check(
        pytestconfig,
        "object-memory",
        f"{len(ITEMS)} items in a cart, before and after the object left memory",
        columns,
        rows,
    )
