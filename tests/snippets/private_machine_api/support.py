"""Start the example, and speak to it as its callers do or as an attacker would."""

import hashlib
import importlib.util
import json
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from types import ModuleType
from urllib.parse import urlsplit

import httpx

from runtime.workers import SNIPPETS, Example, Runtime
from tests.support.patience import PATIENCE_S

FOLDER = SNIPPETS / "private-machine-api"
WORKERS = ("gateway", "internal-a", "internal-b", "worker-x")
KEY = "shop-key-that-nobody-may-see-0123456789"
OLD_KEY = "shop-key-of-last-year-that-retires-0123456789"
THIRD_KEY = "shop-key-that-should-have-been-removed-0123456789"
BILLING_KEY = "billing-key-that-nobody-may-see-0123456789"
KEYS = {
    "shop-backend": [KEY, OLD_KEY, THIRD_KEY],
    "billing-job": [BILLING_KEY],
    "nobody": ["a-key-id-outside-the-table-0123456789"],
}
SECRETS = [key for keys in KEYS.values() for key in keys]
LIMIT_BYTES = 1024 * 1024


def client_module(name: str) -> ModuleType:
    """Load a file of ``client/`` as a reader's program does, without leaving it on the import path."""
    sys.path.insert(0, str(FOLDER / "client"))
    try:
        spec = importlib.util.spec_from_file_location(f"private_machine_api_{name}", FOLDER / "client" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(FOLDER / "client"))


sign = client_module("sign")


@contextmanager
def gateway(
    runtime: Runtime, *, migrated: bool = True, hmac_keys: str = json.dumps(KEYS), **variables: str
) -> Iterator[Example]:
    """Start all four Workers; when they stop, look for secrets and stack traces in what they logged."""
    folders = [f"private-machine-api/{worker}" for worker in WORKERS]
    variables = {"ACCESS_HOSTNAME": "127.0.0.1"} | variables
    with runtime.example(*folders, variables=variables, secrets={"HMAC_KEYS": hmac_keys}) as example:
        if migrated:
            example.migrate("DB", worker="internal-a")
        yield example
        expect_nothing_secret("\n".join(example.logs()))


def expect_nothing_secret(text: str) -> None:
    for leaked in (*SECRETS, "-----BEGIN", "eyJ", ".ts:", ".js:", "    at ", "D1_ERROR: no such table: orders\n"):
        assert leaked not in text, f"{leaked!r} leaked"


def signed(
    method: str,
    target: str,
    body: bytes = b"",
    *,
    key_id: str = "shop-backend",
    key: str = KEY,
    at: float = 0,
    nonce: str = "",
    clock: str = "{}",
) -> dict[str, str]:
    """Return the five headers for a request, each signed as it is given.

    Args:
        at: seconds from now.
        clock: how the seconds are written.
    """
    timestamp, nonce = clock.format(int(time.time() + at)), nonce or secrets.token_urlsafe(24)
    body_hash = hashlib.sha256(body).hexdigest()
    return {
        "X-Key-Id": key_id,
        "X-Timestamp": timestamp,
        "X-Nonce": nonce,
        "X-Content-SHA256": body_hash,
        "X-Signature": sign.sign(key, method, target, timestamp, nonce, body_hash),
    }


def send(
    example: Example, method: str, target: str, headers: dict[str, str] | None = None, body: bytes | None = None
) -> httpx.Response:
    """Send a request with exactly this target."""
    url = httpx.URL(example.url).copy_with(raw_path=target.encode())
    return example.http.request(method, url, headers=headers, content=body)


def call(example: Example, method: str, target: str, body: bytes = b"", **how: object) -> httpx.Response:
    """Sign and send."""
    return send(example, method, target, signed(method, target, body, **how), body)


def post_order(example: Example, reference: str, amount_cents: int = 1250, **how: object) -> httpx.Response:
    return call(
        example, "POST", "/v1/orders", json.dumps({"reference": reference, "amountCents": amount_cents}).encode(), **how
    )


@dataclass(frozen=True)
class Answer:
    """What came back over a bare socket."""

    status: int
    headers: dict[str, str]
    text: str


def raw(
    example: Example,
    request_line: bytes,
    headers: list[tuple[str, str]],
    body: bytes = b"",
    *,
    last_byte_after_s: float = 0,
) -> Answer:
    """Send bytes that no client library would, the last one late where asked, and return the answer."""
    address = urlsplit(example.url)
    lines = [request_line, *(f"{name}: {value}".encode() for name, value in headers), b"Connection: close", b"", body]
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S) as connection:
        text = b"\r\n".join(lines)
        connection.sendall(text[:-1])
        time.sleep(last_byte_after_s)
        connection.sendall(text[-1:])
        response = HTTPResponse(connection)
        response.begin()
        with response:
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read().decode())


def host(example: Example) -> tuple[str, str]:
    return "Host", urlsplit(example.url).netloc


def refusal(response: httpx.Response | Answer) -> tuple[int, str]:
    """Return status and code of an error, after checking what all errors share."""
    status = response.status_code if isinstance(response, httpx.Response) else response.status
    assert response.headers["content-type"] == "application/json", response.text
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-request-id"]
    assert ("www-authenticate" in response.headers) == (status == 401)
    assert ("retry-after" in response.headers) == (status in (429, 503))
    error = json.loads(response.text)
    assert error.keys() == {"error"} and error["error"].keys() == {"code", "message"}
    expect_nothing_secret(response.text + repr(dict(response.headers)))
    return status, error["error"]["code"]


ANONYMOUS = (401, "unauthenticated")
FORBIDDEN = (403, "forbidden")
NOT_CANONICAL = (400, "not_canonical")
UNAVAILABLE = (503, "unavailable")
