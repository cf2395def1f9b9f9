"""Start the example with its stand-ins, and speak to it as its users do."""

import importlib.util
import itertools
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType

import httpx
import jwt

from runtime.setups import EXAMPLES
from runtime.workers import SNIPPETS, Example, Runtime
from tests.support.patience import until

SLUG = "edge-ai-rag"
SECRETS = {
    "SESSION_KEY": "session-key-that-nobody-may-see-0123456789",
    "ADMIN_TOKEN": "admin-token-that-nobody-may-see-0123456789",
}
ADMIN = {"Authorization": f"Bearer {SECRETS['ADMIN_TOKEN']}"}
# Production waits half a minute before the first retry; tests do not. A model that works needs some milliseconds.
QUICK = {"RETRY_BASE_S": "0", "MODEL_PATIENCE_MS": "5000"}
CHAT, SECOND = "@cf/zai-org/glm-4.7-flash", "@cf/google/gemma-4-26b-a4b-it"
users = itertools.count()


def client_module(name: str) -> ModuleType:
    """Load a file of ``client/`` as a reader's program does, without leaving it on the import path."""
    folder = SNIPPETS / SLUG / "client"
    sys.path.insert(0, str(folder))
    try:
        spec = importlib.util.spec_from_file_location(f"edge_ai_rag_{name}", folder / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(folder))


@dataclass
class Answer:
    """What a user sees: passages, text, and the event that ends it."""

    events: list[tuple[str, dict]] = field(default_factory=list)

    @property
    def passages(self) -> list[dict]:
        return self.events[0][1]["passages"]

    @property
    def sources(self) -> list[str]:
        return [p["source"] for p in self.passages]

    @property
    def text(self) -> str:
        return "".join(data["text"] for name, data in self.events if name == "text")

    @property
    def last(self) -> tuple[str, dict]:
        return self.events[-1]

    @property
    def cited(self) -> list[str]:
        return [c["source"] for c in self.last[1]["citations"]]


def parse(stream: str) -> Answer:
    found = Answer()
    for block in stream.strip().split("\n\n"):
        name, data = block.split("\n")
        found.events.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    assert found.events[0][0] == "sources" and found.last[0] in ("done", "partial")
    return found


class Answers:
    """The running example and its stand-ins."""

    def __init__(self, example: Example) -> None:
        self.example, self.http = example, example.http

    def session(self, tenant: str = "fjord", *groups: str, user: str = "", **options: int) -> dict[str, str]:
        """A new user each time, so that the rate limit of one does not stop the tests."""
        claims = {
            "sub": user or f"user-{next(users)}",
            "tenant": tenant,
            "groups": groups,
            "aud": "answers",
            "exp": int(time.time()) + 600,
        }
        return {
            "Authorization": f"Bearer {jwt.encode({**claims, **options}, SECRETS['SESSION_KEY'], algorithm='HS256')}"
        }

    def post(self, question: object, headers: dict[str, str] | None = None, **body: object) -> httpx.Response:
        return self.http.post("/v1/ask", json={"question": question, **body}, headers=headers or self.session())

    def ask(self, question: str, tenant: str = "fjord", /, *groups: str, **body: object) -> Answer:
        response = self.post(question, self.session(tenant, *groups), **body)
        assert response.status_code == 200, response.text
        assert (
            response.headers["content-type"] == "text/event-stream" and response.headers["cache-control"] == "no-store"
        )
        assert response.headers["x-request-id"]
        return parse(response.text)

    def put(self, key: str, text: str, audience: str = "all", wait: bool = True) -> None:
        """Put an object into the bucket as any other program does, and send R2's event for it."""
        self.example.call("BUCKET", "put", key, text, {"customMetadata": {"audience": audience}})
        self.event(key)
        if wait:
            version = self.example.call("BUCKET", "head", key)["version"]
            until(lambda: self.versions(key), lambda found: found == [version])

    def delete(self, key: str) -> None:
        self.example.call("BUCKET", "delete", key)
        self.event(key, "DeleteObject")

    def event(self, key: str, action: str = "PutObject", bucket: str = "documents") -> None:
        """R2's events are not simulated: this is the body that Cloudflare documents."""
        body = {"account": "0" * 32, "action": action, "bucket": bucket, "object": {"key": key, "size": 1, "eTag": "0"}}
        self.send({**body, "eventTime": "2026-11-24T12:00:00.000Z"})

    def send(self, *bodies: object, worker: str | None = None) -> None:
        self.example.call("DOCUMENTS", "sendBatch", [{"body": body} for body in bodies], worker=worker)

    def versions(self, key: str, embedding: str = "e1") -> list[str]:
        rows = self.rows("SELECT version FROM documents WHERE key = ? AND embedding = ?", key, embedding)
        return [row["version"] for row in rows]

    @contextmanager
    def embedding_held(self, word: str) -> Iterator[None]:
        """The embedding model does not answer for texts with this word, until the block ends."""
        self.example.call("AI", "hold", word)
        try:
            yield
        finally:
            self.example.call("AI", "hold", "")

    @contextmanager
    def slow_consumer(self, key: str, text: str, word: str) -> Iterator[None]:
        """The second consumer has read this text, which holds the word, and waits for its embedding until the block ends."""
        with self.embedding_held(word):
            self.example.call("BUCKET", "put", key, text)
            self.send({"document": key}, worker="second")
            until(lambda: self.asked_for(word), len)
            yield

    def asked_for(self, word: str) -> list[dict]:
        """The calls of models since the last look that hold this word."""
        return [call for call in self.example.call("AI", "asked") if word in json.dumps(call["input"])]

    def rows(self, query: str, *parameters: object) -> list[dict]:
        return self.example.d1("DB", query, *parameters)

    def model(self, **faults: str) -> None:
        """Let a model fail; without an argument all work."""
        self.example.call(
            "AI", "fail", {"all": faults.get("all"), CHAT: faults.get("first"), SECOND: faults.get("second")}
        )

    def logged(self, *words: str) -> list[str]:
        """The log lines that hold all words."""
        return [line for line in self.example.logs() if all(word in line for word in words)]

    def stored(self, index: str = "INDEX_E1", tenant: str = "") -> set[str]:
        return {v["id"] for v in self.example.call(index, "stored") if tenant in ("", v["namespace"])}


def second_consumer(folder: Path) -> Path:
    """Cloudflare runs several consumers at once, the simulator one: a copy of the Worker with a queue of its own, and much patience."""
    local = (SNIPPETS / SLUG / "wrangler.local.toml").read_text(encoding="utf-8")
    changes = {
        'name = "answers"': f'name = "{folder.name}"',
        '"src/index.ts"': f'"{SNIPPETS / SLUG / "src" / "index.ts"}"',
    }
    for old, new in {**changes, 'queue = "documents"': f'queue = "{folder.name}"'}.items():
        assert old in local
        local = local.replace(old, new)
    (folder / "wrangler.toml").write_text(local, encoding="utf-8")
    return folder


@contextmanager
def answers(runtime: Runtime, second: Path | None = None) -> Iterator[Answers]:
    """Start the example; when it stops, look for secrets and for texts of documents in what it logged.

    Args:
        runtime: the running bridge.
        second: a folder for a second consumer of the same documents, a Worker of the folder's name.
    """
    setup = EXAMPLES[SLUG]
    if second:
        own = {"secrets": SECRETS, "variables": {"RETRY_BASE_S": "0"}, "stand_ins": setup.stand_ins}
        setup = replace(setup, folders=(*setup.folders, str(second_consumer(second))), others={second.name: own})
    with setup.run(runtime, secrets=SECRETS, variables=QUICK) as example:
        yield Answers(example)
        logs = "\n".join(example.logs())
        assert "that-nobody-may-see" not in logs and "unlogged" not in logs


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Return status and code of an error, after checking the shape that all errors share."""
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-request-id"]
    body = response.json()
    assert body.keys() == {"error"} and body["error"].keys() == {"code", "message"}
    assert body["error"]["message"].endswith(".")
    return response.status_code, body["error"]["code"]
