"""Mistake 1: one small workload, all of it in KV, against a product for each kind of data."""

import json
from dataclasses import dataclass

import pytest

from runtime.workers import Example, Runtime
from tests.experiments.measure import EXPERIMENTS, Column, Row, check
from tests.experiments.test_kv_counter import INCREMENTS, count

ORDERS, CUSTOMERS = 100, 10
FILE_BYTES, PIECE_BYTES = 5 * 2**20, 64 * 1024
OWNER = "customer-7"


@dataclass(frozen=True)
class Work:
    """What one store needed for the same three jobs.

    Attributes:
        ids: the open orders of one customer.
        read: keys or rows that were read to find them, each of which is billed.
        bytes_read: what left the store to answer the first piece of a file.
        lost: increments that are missing in a counter.
        large_file: the status for a file of 26 MiB.
    """

    ids: list[int]
    read: int
    bytes_read: int
    lost: int
    large_file: int


def fill(example: Example) -> None:
    for first in range(0, ORDERS, 50):
        ids = range(first, first + 50)
        values = ", ".join(f"({i}, 'customer-{i % CUSTOMERS}', {i % 2})" for i in ids)
        example.d1("DB", f"INSERT INTO orders (id, customer, open) VALUES {values}")
    for i in range(ORDERS):
        order = {"id": i, "customer": f"customer-{i % CUSTOMERS}", "open": bool(i % 2)}
        example.call("KV", "put", f"order:{i:04}", json.dumps(order))


def work(example: Example, orders: str, files: str, lost: int) -> Work:
    found = example.http.get(f"/{orders}/orders", params={"customer": OWNER}).raise_for_status().json()
    assert example.http.put(f"/{files}/file", content=bytes(FILE_BYTES)).status_code == 204
    piece = example.http.get(f"/{files}/file")
    assert (piece.status_code, len(piece.content)) == (206, PIECE_BYTES)
    large = example.http.put(f"/{files}/file", content=bytes(26 * 2**20)).status_code
    return Work(
        sorted(o["id"] for o in found["orders"]), found["read"], int(piece.headers["x-bytes-read"]), lost, large
    )


@pytest.fixture(scope="module")
def measured(runtime: Runtime) -> dict[str, Work]:
    with runtime.example(EXPERIMENTS / "kv-counter") as counter:
        lost = {way: count(counter, way).lost for way in ("/kv", "/object")}
    with runtime.example(EXPERIMENTS / "one-product") as example:
        example.migrate("DB")
        fill(example)
        return {"kv": work(example, "kv", "kv", lost["/kv"]), "fitting": work(example, "d1", "r2", lost["/object"])}


def test_both_find_the_same_orders_but_kv_reads_them_all(measured):
    assert measured["kv"].ids == measured["fitting"].ids == list(range(7, ORDERS, CUSTOMERS))
    assert measured["kv"].read == ORDERS
    assert measured["fitting"].read <= 2 * len(measured["fitting"].ids)


def test_the_first_piece_of_a_file_moves_the_whole_file_out_of_kv(measured):
    assert measured["kv"].bytes_read == FILE_BYTES
    assert measured["fitting"].bytes_read == PIECE_BYTES


def test_kv_refuses_a_file_above_its_limit_and_r2_takes_it(measured):
    assert (measured["kv"].large_file, measured["fitting"].large_file) == (507, 204)


def test_the_counter_is_wrong_in_kv_only(measured):
    assert measured["kv"].lost > 0 == measured["fitting"].lost


def test_the_page_shows_what_is_measured(measured, pytestconfig):
    columns = [
        Column("Read to find 10 orders"),
        Column("Read for 64 KiB of a file", "bytes"),
        Column(f"Lost of {INCREMENTS} increments", loose=True),
        Column("A file of 26 MiB"),
    ]
    ways = (
        ("KV for everything", "wrong", measured["kv"]),
        ("D1, R2 and a Durable Object", "right", measured["fitting"]),
    )
    rows = [
        Row(way, side, (w.read, w.bytes_read, w.lost, "stored" if w.large_file == 204 else "refused"))
        for way, side, w in ways
    ]
    what = f"{ORDERS} orders of {CUSTOMERS} customers, a file of {FILE_BYTES >> 20} MiB, and a counter"
    check(pytestconfig, "one-product", what, columns, rows)
