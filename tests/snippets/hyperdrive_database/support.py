"""Speak to the shop as its callers do, and to its database as its owner does."""

import json
import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx

from runtime.postgres import bindings
from runtime.workers import Example, Runtime
from tests.support.patience import PATIENCE_S, until

SLUG = "hyperdrive-database"
TOKEN = "a-secret-that-nobody-may-see-0123456789"
SHOP = {"Authorization": f"Bearer {TOKEN}"}


@contextmanager
def started(
    runtime: Runtime, cached: str, fresh: str | None = None, deadline_ms: int = 1000 * PATIENCE_S
) -> Iterator[Example]:
    """Start the Worker with its two bindings."""
    variables = {"DEADLINE_MS": str(deadline_ms)}
    with runtime.example(
        SLUG, secrets={"SHOP_TOKEN": TOKEN}, variables=variables, environment=bindings(cached, fresh)
    ) as example:
        yield example


def order(*items: tuple[str, int], customer: str = "Ada") -> dict[str, Any]:
    return {"customer": customer, "items": [{"sku": sku, "quantity": quantity} for sku, quantity in items]}


def place(api: Example, *items: tuple[str, int], key: str | None = None, customer: str = "Ada") -> httpx.Response:
    headers = {**SHOP, "Idempotency-Key": key or uuid.uuid4().hex}
    return api.http.post("/v1/orders", json=order(*items, customer=customer), headers=headers)


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Return status and code of an error, after checking the shape that all errors share."""
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-request-id"]
    body = response.json()
    assert body.keys() == {"error"} and body["error"].keys() == {"code", "message"}
    assert body["error"]["message"].endswith(".")
    assert (response.status_code == 503) == ("retry-after" in response.headers)
    return response.status_code, body["error"]["code"]


def events(api: Example, name: str) -> list[dict[str, Any]]:
    """Return the logged events of that name, oldest first."""
    logged = [line.partition(": ")[2] for line in api.logs()]
    return [event for event in (json.loads(line) for line in logged if line.startswith("{")) if event["event"] == name]


def stock(postgres: Any, sku: str) -> int:
    return int(postgres.run("-c", f"SELECT on_hand FROM stock JOIN products ON id = product_id WHERE sku = '{sku}'"))


def count(postgres: Any, table: str) -> int:
    return int(postgres.run("-c", f"SELECT count(*) FROM {table}"))


def reset(postgres: Any) -> None:
    """No orders, and ten of everything."""
    postgres.run("-c", "TRUNCATE order_items, order_requests, orders; UPDATE stock SET on_hand = 10")


@contextmanager
def changed(postgres: Any, make: str, undo: str) -> Iterator[None]:
    """Put something into the database for the time of a test."""
    postgres.run("-c", make)
    try:
        yield
    finally:
        postgres.run("-c", undo)


@contextmanager
def on_every_order(postgres: Any, body: str) -> Iterator[None]:
    """Run a piece of PL/pgSQL inside each transaction that stores an order."""
    make = f"""
        CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN {body} RETURN NEW; END $$;
        CREATE TRIGGER fault BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION fault()"""
    with changed(postgres, make, "DROP TRIGGER fault ON orders; DROP FUNCTION fault"):
        yield


class Session:
    """Somebody else's connection, which stays open between statements."""

    def __init__(self, postgres: Any) -> None:
        self._process = subprocess.Popen(
            postgres.psql(),
            env=postgres.environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def send(self, sql: str) -> None:
        self._process.stdin.write(f"{sql};\n\\echo done\n")
        self._process.stdin.flush()

    def finish(self) -> None:
        """Wait until what was sent is done."""
        lines: list[str] = []
        while (line := self._process.stdout.readline().strip()) != "done":
            lines.append(line)
            assert line, f"psql ended: {lines}"

    def run(self, sql: str) -> None:
        self.send(sql)
        self.finish()

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(PATIENCE_S)
        self._process.stdout.close()


@contextmanager
def session(postgres: Any, *statements: str) -> Iterator[Session]:
    """Open a connection beside the Worker's and run statements in it, such as BEGIN and LOCK."""
    opened = Session(postgres)
    try:
        for statement in statements:
            opened.run(statement)
        yield opened
    finally:
        opened.close()


@contextmanager
def meanwhile(call: Callable[[], httpx.Response]) -> Iterator[Future[httpx.Response]]:
    """Run a request while the test does something else."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(call)


def waiting(postgres: Any, kind: str = "Lock") -> int:
    """Return the process that runs the Worker's statement, once it waits for a lock or sleeps (kind Timeout)."""
    query = f"SELECT pid FROM pg_stat_activity WHERE usename = 'shop_api' AND wait_event_type = '{kind}' AND state = 'active'"
    return int(until(lambda: postgres.run("-c", query)).splitlines()[0])


def connections(postgres: Any) -> int:
    return int(postgres.run("-c", "SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop_api'"))


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stop a process of the database as a hanging disk would."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
