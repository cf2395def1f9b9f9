"""Start the example with its S3 address, and act as its users, as R2 and as a holder of the S3 keys."""

import importlib.util
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import httpx
import jwt
from botocore.config import Config

from runtime.setups import EXAMPLES
from runtime.workers import SNIPPETS, Example, Runtime
from tests.support.patience import until

FOLDER = SNIPPETS / "r2-uploads"
EVENTS = Path(__file__).with_name("r2_events")
SETUP = EXAMPLES["r2-uploads"]
SESSION_KEY = SETUP.secrets["SESSION_KEY"]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(100))
PDF = b"%PDF-1.7\n" + b"x" * 2000


@contextmanager
def uploads(runtime: Runtime, *, limited: bool = False, **variables: object) -> Iterator[Example]:
    """Start the example with its local S3 address and with what plays R2's events.

    Args:
        limited: whether the rate limit for asking is the real one.
    """
    with runtime.example(
        *SETUP.folders,
        EVENTS,
        secrets=SETUP.secrets,
        variables={**SETUP.variables, **variables},
        stand_ins={} if limited else {"ASKS": "r2-events"},
    ) as example:
        example.migrate("DB")
        yield example


def token(user: str = "ana", key: str = SESSION_KEY, ttl_s: int = 600, **claims: object) -> str:
    """A session as the login service makes it; a claim given as None is left out."""
    all_claims = {"sub": user, "aud": "uploads", "exp": int(time.time()) + ttl_s, **claims}
    return jwt.encode({name: value for name, value in all_claims.items() if value is not None}, key, algorithm="HS256")


def session(user: str = "ana") -> dict[str, str]:
    return {"Authorization": f"Bearer {token(user)}"}


def ask(api: Example, user: str = "ana", **changes: object) -> httpx.Response:
    about = {"name": "photo.png", "type": "image/png", "size": len(PNG), **changes}
    return api.http.post("/v1/files", json=about, headers=session(user))


def store(asked: httpx.Response, body: bytes = PNG) -> httpx.Response:
    """Send the bytes as the answer to ``ask`` says."""
    put = asked.json()["put"]
    return httpx.put(put["url"], content=body, headers=put["headers"], verify=False)


def ready_file(api: Example, body: bytes = PNG, user: str = "ana", **changes: object) -> str:
    """Ask, store and deliver the event; return the id of the file."""
    asked = ask(api, user, size=len(body), **changes)
    assert store(asked, body).status_code == 200
    notify(api, row(api, asked.json()["id"])["key"])
    wait_for_state(api, asked.json()["id"], "ready")
    return asked.json()["id"]


def row(api: Example, file_id: str) -> dict[str, Any]:
    return api.d1("DB", "SELECT * FROM files WHERE id = ?", file_id)[0]


def event(
    key: str, etag: str = "0" * 32, action: str = "PutObject", bucket: str = "uploads", at: float = 0
) -> dict[str, Any]:
    """The body that R2 documents for a message of an event notification."""
    moment = datetime.fromtimestamp(at or time.time(), UTC)
    return {
        "account": "0" * 32,
        "action": action,
        "bucket": bucket,
        "object": {"key": key, "size": 1, "eTag": etag},
        "eventTime": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def notify(api: Example, key: str, **more: Any) -> None:
    """Play R2, which has no local event notifications: put the documented message into the queue."""
    api.call("EVENTS", "send", event(key, **more), worker="r2-events")


def wait_for_state(api: Example, file_id: str, state: str) -> None:
    until(lambda: row(api, file_id)["state"], lambda found: found == state, f"state {state} of {file_id}")


def wait_for_log(api: Example, *words: str) -> str:
    def found() -> list[str]:
        return [line for line in api.logs() if all(word in line for word in words)]

    return until(found, what=f"a log line with {words}")[-1]


def sweep(api: Example, later_s: int = 0) -> None:
    """Fire the Cron Trigger as if this much time had passed."""
    assert api.ask("scheduled", cron="*/5 * * * *", time=int((time.time() + later_s) * 1000))["outcome"] == "ok"


def s3_client(api: Example, **options: object) -> Any:
    """The S3 API with the key pair, as a machine of the owner has it."""
    config = Config(
        request_checksum_calculation="when_required", response_checksum_validation="when_required", **options
    )
    return boto3.client(
        "s3",
        endpoint_url=f"{api.url}/cdn-cgi/local/r2/s3",
        region_name="auto",
        config=config,
        aws_access_key_id="local-key",
        aws_secret_access_key="local-secret",
    )


def keys(s3: Any) -> set[str]:
    return {entry["Key"] for entry in s3.list_objects_v2(Bucket="uploads").get("Contents", [])}


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Return status and code of an error, after checking the shape that all errors share."""
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-request-id"]
    body = response.json()
    assert body.keys() == {"error"} and body["error"].keys() == {"code", "message"}
    assert body["error"]["message"].endswith(".")
    return response.status_code, body["error"]["code"]


def client_module(name: str) -> ModuleType:
    """Load a file of ``client/`` with those it imports, without leaving them on the import path."""
    sys.path.insert(0, str(FOLDER / "client"))
    try:
        spec = importlib.util.spec_from_file_location(f"r2_uploads_{name}", FOLDER / "client" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(FOLDER / "client"))
        for imported in ("session", "upload"):
            sys.modules.pop(imported, None)
