"""Mistake 4: a file that passes the Worker costs it memory and time; a signed address costs it neither."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import httpx
import pytest

from runtime.workers import Example, Runtime
from tests.experiments.measure import EXPERIMENTS, Column, Row, check
from tests.support.processes import linux, processor_s, workerds

UPLOAD = EXPERIMENTS / "upload-path"
LOCAL_S3 = UPLOAD / "local-s3"
FILE = b"0123456789abcdef" * (64 * 2**20 // 16)
SIGNED = 5  # so often, and the quickest counts: one may meet a moment in which the machine has other work
SECRETS = {"S3_ACCESS_KEY_ID": "local-key", "S3_SECRET_ACCESS_KEY": "local-secret"}


@dataclass(frozen=True)
class Upload:
    """What one upload cost.

    Attributes:
        through: bytes that were sent to the Worker.
        worker_ms: for how long a request to the Worker was open.
        worker_s: the processor time of the Worker's workerd; 0 where /proc is missing.
        client_ms: how long the uploader waited.
        memory: by how much workerd grew at its peak, in bytes; 0 where /proc is missing.
        misuse: what the signed address answers for another key, and to a reader.
    """

    through: int
    worker_ms: float
    worker_s: float
    client_ms: float
    memory: int
    misuse: tuple[int, ...] = ()


class Memory:
    """The peak memory of the workerd processes that were started since ``before``."""

    def __init__(self, runtime: Runtime, before: set[int]) -> None:
        self._pids = [pid for pid in workerds(runtime) if pid not in before]
        for pid in self._pids:
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak counts from now on
        self._start = self._sum("VmRSS")

    def _sum(self, field: str) -> int:
        status = (Path(f"/proc/{pid}/status").read_text() for pid in self._pids)
        return sum(int(re.search(rf"{field}:\s+(\d+) kB", text)[1]) * 1024 for text in status)

    def grown(self) -> int:
        return self._sum("VmHWM") - self._start


def milliseconds(since: float) -> float:
    return round(1000 * (perf_counter() - since))


def upload(runtime: Runtime, way: str) -> Upload:
    before = set(workerds(runtime))
    with runtime.example(UPLOAD, LOCAL_S3, secrets=SECRETS) as store:
        store.http.put("/stream/warm", content=b"x").raise_for_status()
        memory = Memory(runtime, before) if sys.platform == "linux" else None
        misuse: tuple[int, ...] = ()
        if way == "sign":
            address, through, worker_ms, worker_s = signed(runtime, store)
        else:
            address, through, worker_ms, worker_s = f"{store.url}/{way}/file", len(FILE), 0.0, 0.0
        start, used_s = perf_counter(), processor_s(runtime)
        httpx.put(address, content=FILE).raise_for_status()
        client_ms = worker_ms + milliseconds(start)
        if way != "sign":
            worker_ms, worker_s = client_ms, processor_s(runtime) - used_s
        grown = memory.grown() if memory else 0
        assert store.call("BUCKET", "head", "file")["size"] == len(FILE)
        if way == "sign":
            others = httpx.put(address.replace("/file?", "/theirs?"), content=b"x"), httpx.get(address)
            misuse = tuple(answer.status_code for answer in others)
        return Upload(through, worker_ms, worker_s, client_ms, grown, misuse)


def signed(runtime: Runtime, store: Example) -> tuple[str, int, float, float]:
    """Ask a Worker for an address in a store; return it, the bytes sent, and what an answer took: time, processor time."""
    with runtime.example(
        UPLOAD, secrets=SECRETS, variables={"S3_ENDPOINT": f"{store.url}/cdn-cgi/local/r2/s3"}
    ) as signer:
        used_s, took_ms = processor_s(runtime), []
        for _ in range(SIGNED):
            start = perf_counter()
            answer = signer.http.put("/sign/file", headers={"Content-Length": "0"})
            took_ms.append(milliseconds(start))
        sent = int(answer.request.headers["Content-Length"])
        return answer.json()["url"], sent, min(took_ms), (processor_s(runtime) - used_s) / SIGNED


@pytest.fixture(scope="module")
def measured(runtime: Runtime) -> dict[str, Upload]:
    return {way: upload(runtime, way) for way in ("memory", "stream", "sign")}


@linux
def test_a_file_read_into_memory_takes_at_least_its_size_again(measured):
    others = max(measured["stream"].memory, measured["sign"].memory)
    assert measured["memory"].memory > others + len(FILE) / 2


@linux
def test_signing_costs_the_worker_a_small_part_of_the_processor_time(measured):
    assert measured["sign"].worker_s * 5 < min(measured["memory"].worker_s, measured["stream"].worker_s)


def test_a_signed_address_admits_one_key_and_one_method(measured):
    assert measured["sign"].misuse == (403, 403)


@linux
def test_the_page_shows_what_is_measured(measured, pytestconfig):
    columns = [
        Column("Bytes through the Worker", "bytes"),
        Column("workerd grew by", "bytes", loose=True, bars=True),
        Column("Worker at work", "ms", timed=True, bars=True),
        Column("Client waits", "ms", timed=True),
    ]
    ways = (
        ("Worker reads it into memory", "wrong", "memory"),
        ("Worker streams it", "half", "stream"),
        ("Straight to R2", "right", "sign"),
    )
    rows = [
        Row(label, side, (m.through, m.memory, m.worker_ms, m.client_ms))
        for label, side, way in ways
        for m in [measured[way]]
    ]
    check(pytestconfig, "upload-path", f"One file of {len(FILE) >> 20} MiB, three ways into R2", columns, rows)
