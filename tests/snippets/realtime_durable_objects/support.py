"""Join rooms as members do, and as an attacker would."""

import base64
import contextlib
import importlib.util
import json
import os
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from runtime.workers import SNIPPETS, Example
from tests.support.patience import PATIENCE_S

SLUG = "realtime-durable-objects"
KEY = "a-key-that-nobody-may-see-" + "0123456789" * 4


def module(name: str) -> ModuleType:
    """Load ``client`` or ``issue_token`` as a reader's program does."""
    path = SNIPPETS / SLUG / f"{name}.py"
    sys.path.insert(0, str(path.parent))
    try:
        spec = importlib.util.spec_from_file_location(f"realtime_{name}", path)
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
    finally:
        sys.path.remove(str(path.parent))
    return loaded


issue = module("issue_token").issue


class Cut(AssertionError):
    """The room closed the connection; ``code`` is None when it was lost without a closing frame."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"closed with code {code}")
        self.code = code


class Member:
    """A socket in a room."""

    def __init__(self, connection: ClientConnection, user: str) -> None:
        self.connection, self.user = connection, user
        self.request_id = connection.response.headers["X-Request-Id"]

    def raw(self, data: str | bytes) -> None:
        with contextlib.suppress(ConnectionClosed):
            self.connection.send(data)

    def send(self, **frame: Any) -> None:
        self.raw(json.dumps(frame))

    def say(self, text: str, key: str | None = None) -> None:
        self.send(type="send", key=key or uuid.uuid4().hex, text=text)

    def next(self, timeout: float = PATIENCE_S) -> dict[str, Any]:
        """Return the next frame; answer checks on the way, as every client must."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                frame = json.loads(self.connection.recv(timeout=0.05))
            except TimeoutError:
                # After a cut the local runtime leaves the TCP connection open, and recv() waits for its end.
                if closing := self.connection.protocol.close_rcvd:
                    raise Cut(closing.code) from None
                if time.monotonic() > deadline:
                    raise
            except ConnectionClosed as lost:
                raise Cut(lost.rcvd.code if lost.rcvd else None) from None
            else:
                if frame["type"] != "check":
                    return frame
                self.send(**frame)

    def expect(self, kind: str) -> dict[str, Any]:
        """Return the next frame of a kind, whatever else comes before it."""
        while (frame := self.next())["type"] != kind:
            pass
        return frame

    def sent(self) -> int:
        return self.expect("sent")["id"]

    def error(self) -> str:
        frame = self.expect("error")
        assert frame["error"].keys() == {"code", "message"} and frame["error"]["message"].endswith(".")
        return frame["error"]["code"]

    def ids(self, last: int) -> list[int]:
        """Read messages up to an id, and return the ids in the order of arrival."""
        found = [0]
        while found[-1] != last:
            found.append(self.expect("message")["id"])
        return found[1:]

    def cut(self) -> int | None:
        """Read until the room closes the connection, and return the code."""
        while True:
            try:
                self.next()
            except Cut as cut:
                return cut.code

    def catch_up(self) -> list[dict[str, Any]]:
        """Read the whole history, page by page."""
        messages: list[dict[str, Any]] = []
        while True:
            page = self.expect("history")
            messages += page["messages"]
            if not page["more"]:
                return messages
            self.send(type="resume", since=messages[-1]["id"])


class Rooms:
    """The rooms of one running example; closes what a test leaves open."""

    def __init__(self, example: Example, key: str = KEY) -> None:
        self.example, self.key = example, key
        self._open = ExitStack()

    def close(self) -> None:
        self._open.close()

    def address(self, room: str, query: str = "") -> str:
        return f"{self.example.url.replace('http', 'ws', 1)}/v1/rooms/{room}/socket{query}"

    def token(self, room: str, user: str, lifetime_s: float = 900) -> str:
        return issue(room, user, self.key, lifetime_s)

    @contextmanager
    def joined(
        self, room: str, user: str, query: str = "", lifetime_s: float = 900, **options: Any
    ) -> Iterator[Member]:
        """Join, and leave at the end."""
        protocols = ["chat.v1", f"token.{self.token(room, user, lifetime_s)}"]
        options = {"ping_interval": None, "close_timeout": 0.03, **options}
        with connect(self.address(room, query), subprotocols=protocols, **options) as connection:
            yield Member(connection, user)

    def join(self, room: str, user: str, query: str = "", lifetime_s: float = 900, **options: Any) -> Member:
        """Join until the test ends; the member has read the welcome and the history."""
        member = self._open.enter_context(self.joined(room, user, query, lifetime_s, **options))
        member.expect("welcome")
        if "since" not in query:
            member.expect("history")
        return member

    def deaf(self, room: str, user: str) -> socket.socket:
        """Join with a bare TCP socket of which nobody reads a byte after the handshake."""
        server = httpx.URL(self.example.url)
        raw = self._open.enter_context(socket.create_connection((server.host, server.port), timeout=PATIENCE_S))
        raw.sendall(handshake(f"/v1/rooms/{room}/socket", self.token(room, user)))
        assert raw.recv(12) == b"HTTP/1.1 101"
        return raw

    def get(self, room: str, user: str = "reader", query: str = "") -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token(room, user)}"}
        return self.example.http.get(f"/v1/rooms/{room}/messages{query}", headers=headers)

    def log(self, event: str) -> list[dict[str, Any]]:
        """Return the log lines of one event."""
        lines = (line.partition(": ")[2] for line in self.example.logs())
        parsed = [json.loads(line) for line in lines if line.startswith("{")]
        return [line for line in parsed if line["event"] == event]


def handshake(path: str, token: str) -> bytes:
    nonce = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: rooms\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Protocol: chat.v1, token.{token}\r\n\r\n"
    ).encode()


def text_frame(text: str) -> bytes:
    """Return a masked WebSocket frame of at most 65,535 bytes; the mask is zero."""
    data = text.encode()
    length = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0xFE]) + len(data).to_bytes(2)
    return b"\x81" + length + bytes(4) + data
