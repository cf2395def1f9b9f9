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

UPLOAD = EXPERIMENTS / "upload-path"
LOCAL_S3 = UPLOAD / "local-s3"
FILE = b"0123456789abcdef" * (64 * 2**20 // 16)
SECRETS = {"S3_ACCESS_KEY_ID": "local-key", "S3_SECRET_ACCESS_KEY": "local-secret"}
linux = pytest.mark.skipif(
    sys.platform != "linux", reason="the memory of a process is read from /proc, which only Linux has"
)


@dataclass(frozen=True)
class Upload:
    """What one upload cost.

    Attributes:
        through: bytes of the file that the Worker saw.
        worker_ms: for how long a request to the Worker was open.
        client_ms: how long the uploader waited.
        memory: by how much workerd grew at its peak, in bytes; 0 where /proc is missing.
        misuse: what the signed address answers for another key, and to a reader.
    """

    through: int
    worker_ms: float
    client_ms: float
    memory: int
    misuse: tuple[int, ...] = ()


def processes(parent: int) -> dict[int, str]:
    """Return the running descendants of a process, with their command lines."""
    found: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                found |= {int(folder.name): (folder / "cmdline").read_text()} | processes(int(folder.name))
        except OSError:
            continue
    return found


class Memory:
    """The peak memory of the workerd processes that were started since ``before``."""

    def __init__(self, runtime: Runtime, before: set[int]) -> None:
        running = processes(runtime._process.pid)
        self._pids = [pid for pid, line in running.items() if "workerd" in line and pid not in before]
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
    before = set(processes(runtime._process.pid))
    with runtime.example(UPLOAD, LOCAL_S3, secrets=SECRETS) as store:
        store.http.put("/stream/warm", content=b"x").raise_for_status()
        memory = Memory(runtime, before) if sys.platform == "linux" else None
        misuse: tuple[int, ...] = ()
        address, worker_ms = signed(runtime, store) if way == "sign" else (f"{store.url}/{way}/file", 0)
        start = perf_counter()
        httpx.put(address, content=FILE, timeout=60).raise_for_status()
        client_ms = worker_ms + milliseconds(start)
        grown = memory.grown() if memory else 0
        assert store.call("BUCKET", "head", "file")["size"] == len(FILE)
        if way == "sign":
            others = httpx.put(address.replace("/file?", "/theirs?"), content=b"x"), httpx.get(address)
            misuse = tuple(answer.status_code for answer in others)
        return Upload(0 if way == "sign" else len(FILE), worker_ms or client_ms, client_ms, grown, misuse)


def signed(runtime: Runtime, store: Example) -> tuple[str, float]:
    """Ask a Worker for an address in a store; return it, and how long the Worker was busy."""
    with runtime.example(
        UPLOAD, secrets=SECRETS, variables={"S3_ENDPOINT": f"{store.url}/cdn-cgi/local/r2/s3"}
    ) as signer:
        start = perf_counter()
        address = signer.http.put("/sign/file", headers={"Content-Length": "0"}).json()["url"]
        return address, milliseconds(start)


@pytest.fixture(scope="module")
def measured(runtime: Runtime) -> dict[str, Upload]:
    return {way: upload(runtime, way) for way in ("memory", "stream", "sign")}


@linux
def test_a_file_read_into_memory_takes_at_least_its_size_again(measured):
    others = max(measured["stream"].memory, measured["sign"].memory)
    assert measured["memory"].memory > others + len(FILE) / 2


def test_signing_keeps_the_worker_busy_for_a_moment_only(measured):
    assert measured["sign"].worker_ms * 5 < min(measured["memory"].worker_ms, measured["stream"].worker_ms)


def test_a_signed_address_admits_one_key_and_one_method(measured):
    assert measured["sign"].misuse == (403, 403)


@linux
def test_the_page_shows_what_is_measured(measured, pytestconfig):
    columns = [
        Column("Bytes through the Worker", "bytes"),
        Column("workerd grew by", "bytes", loose=True, bars=True),
        Column("Worker at work", "ms", loose=True, bars=True),
        Column("Client waits", "ms", loose=True),
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
