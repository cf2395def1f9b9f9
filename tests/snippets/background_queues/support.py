"""Start the example with its mail provider, and speak to it as its callers do."""

import importlib.util
import itertools
import json
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx

from runtime.workers import SNIPPETS, Example, Runtime
from tests.support.patience import until

SLUG = "background-queues"
SHOP = {"Authorization": "Bearer shop-key-that-nobody-may-see-0123456789"}
CRM = {"Authorization": "Bearer crm-key-that-nobody-may-see-0123456789"}
ADMIN = {"Authorization": "Bearer admin-token-that-nobody-may-see-0123456789"}
SECRETS = {
    "API_KEYS": json.dumps(
        {"shop": "shop-key-that-nobody-may-see-0123456789", "crm": "crm-key-that-nobody-may-see-0123456789"}
    ),
    "ADMIN_TOKEN": "admin-token-that-nobody-may-see-0123456789",
    "PROVIDER_TOKEN": "provider-token-that-nobody-may-see-0123456789",
}
# Production waits half a minute before the first retry; tests do not.
QUICK = {
    "RETRY_BASE_S": "0",
    "LEASE_S": "3",
    "PROVIDER_TIMEOUT_S": "60",
    "SEND_AGAIN_S": "1",
    "FOLLOW_UP_AFTER": "0.2 seconds",
}
FAILING_QUEUE, FAILING_WORKFLOW, INSIDE = (
    Path(__file__).with_name(n) for n in ("failing_queue", "failing_workflow", "inside")
)
numbers = itertools.count()


def client_module(name: str) -> ModuleType:
    """Load a file of ``client/`` as a reader's program does, without leaving it on the import path."""
    folder = SNIPPETS / SLUG / "client"
    sys.path.insert(0, str(folder))
    try:
        spec = importlib.util.spec_from_file_location(f"background_queues_{name}", folder / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(folder))


class Jobs:
    """The running example and the provider behind it."""

    def __init__(self, example: Example, provider) -> None:
        self.example, self.provider, self.http = example, provider, example.http

    def post(self, job: object, key: str | None = None, headers: dict[str, str] = SHOP) -> httpx.Response:
        """Submit one job, under a new key unless one is given."""
        key = f"key-{next(numbers)}" if key is None else key
        headers = {**headers, "Idempotency-Key": key, "Content-Type": "application/json"}
        return self.http.post("/v1/jobs", content=json.dumps(job), headers=headers)

    def submit(self, job: dict[str, str], key: str | None = None) -> str:
        response = self.post(job, key)
        assert response.status_code == 202, response.text
        return response.json()["id"]

    def state(self, job: str, headers: dict[str, str] = SHOP) -> dict:
        return self.http.get(f"/v1/jobs/{job}", headers=headers).raise_for_status().json()

    def end(self, job: str) -> dict:
        """Wait until a job is done or dead, and return its state."""
        return until(lambda: self.state(job), lambda row: row["state"] in ("done", "dead"))

    def send(self, *bodies: object) -> None:
        """Put messages into the queue past the API, all at once."""
        self.example.call("JOBS", "sendBatch", [{"body": body} for body in bodies])

    def inside(self, part: str, *parameters: object) -> Any:
        """Call a part of the example past its API; needs ``INSIDE`` beside it."""
        body = json.dumps({"part": part, "parameters": parameters})
        answer = self.example.ask(
            "fetch", worker="inside", url="https://inside.example", init={"method": "POST", "body": body}
        )
        assert answer["status"] == 200, answer["body"]
        return json.loads(answer["body"])

    def queue_again(self, *ids: str) -> None:
        """Make jobs that have ended look as if their message had never been handled."""
        self.rows(
            "UPDATE jobs SET state = 'queued', lease_until = 0 WHERE id IN (SELECT value FROM json_each(?))",
            json.dumps(ids),
        )

    def minute_passes(self) -> None:
        self.rows("UPDATE jobs SET send_at = send_at - 61000")

    def sweep(self) -> None:
        assert self.example.scheduled("* * * * *")["outcome"] == "ok"

    def dead(self) -> list[dict]:
        return self.http.get("/v1/dead-letters", headers=ADMIN).raise_for_status().json()["dead_letters"]

    def redrive(self, **body: object) -> int:
        return (
            self.http.post("/v1/dead-letters/redrive", json=body, headers=ADMIN).raise_for_status().json()["redriven"]
        )

    def rows(self, query: str, *parameters: object) -> list[dict]:
        return self.example.d1("DB", query, *parameters)

    def calls(self, key: str) -> int:
        """How often the provider was asked under this key."""
        return self.provider.calls.count(key)

    def effects(self) -> Counter[str]:
        """What the provider did, counted by key."""
        return Counter(key for key, _ in self.provider.effects)

    def logged(self, *words: str) -> list[str]:
        return [line for line in self.example.logs() if all(word in line for word in words)]


def mail(to: str = "ann@example.com", subject: str = "Your receipt", text: str = "Thank you.") -> dict[str, str]:
    return {"kind": "mail", "to": to, "subject": subject, "text": text}


def onboarding(to: str = "ann@example.com", name: str = "Ann") -> dict[str, str]:
    return {"kind": "onboarding", "to": to, "name": name}


@contextmanager
def provider() -> Iterator:
    with client_module("provider").Provider() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def jobs(
    runtime: Runtime, *others: Path, migrated: bool = True, stand_ins: dict[str, str] | None = None, **variables: str
) -> Iterator[Jobs]:
    """Start the example; when it stops, look for secrets and mail addresses in what it logged."""
    with provider() as server:
        variables = {**QUICK, "PROVIDER_URL": f"http://127.0.0.1:{server.server_port}", **variables}
        with runtime.example(SLUG, *others, secrets=SECRETS, variables=variables, stand_ins=stand_ins) as example:
            if migrated:
                example.migrate("DB")
            yield Jobs(example, server)
            logs = "\n".join(example.logs())
            assert "that-nobody-may-see" not in logs and "@example.com" not in logs


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Return status and code of an error, after checking the shape that all errors share."""
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-request-id"]
    body = response.json()
    assert body.keys() == {"error"} and body["error"].keys() == {"code", "message"}
    assert body["error"]["message"].endswith(".")
    return response.status_code, body["error"]["code"]
