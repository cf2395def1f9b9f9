"""Mistake 12: a query without an index reads, and bills, the whole table."""

import json

import pytest

from model.facts import load
from runtime.workers import Runtime
from tests.experiments.measure import EXPERIMENTS, Column, Row, check

ROWS = 10_000
EMAIL = "user-7000@example.com"


@pytest.fixture(scope="module")
def measured(runtime: Runtime) -> dict[str, int]:
    with runtime.example(EXPERIMENTS / "table-scan") as example:
        example.migrate("DB")
        read = {}
        for table in ("scanned", "indexed"):
            found = example.http.get(f"/{table}", params={"email": EMAIL}).raise_for_status().json()
            assert found["ids"] == [7000], "both queries find the same account"
            assert json.loads(example.logs()[-1].partition(": ")[2])["rowsRead"] == found["rowsRead"]
            read[table] = found["rowsRead"]
        return read


def test_without_an_index_one_lookup_reads_every_row(measured):
    assert measured["scanned"] == ROWS


def test_with_an_index_it_reads_about_one(measured):
    assert 1 <= measured["indexed"] <= 2


def test_the_page_shows_what_is_measured(measured, pytestconfig):
    fact = load()["d1-rows-read-free"]
    assert fact.unit.startswith("million rows")
    columns = [Column("Rows read"), Column("Lookups a day on Free")]
    ways = (("No index", "wrong", "scanned"), ("Index on the column", "right", "indexed"))
    rows = [Row(label, side, (measured[way], fact.value * 1_000_000 // measured[way])) for label, side, way in ways]
    check(pytestconfig, "table-scan", f"One account found by its e-mail address among {ROWS:,}", columns, rows)
