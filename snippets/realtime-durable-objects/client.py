"""Talk in a room; after a lost connection ask for what was missed."""

import argparse
import asyncio
import contextlib
import io
import json
import random
import ssl
import sys
import uuid
from typing import Any
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidMessage,
    InvalidStatus,
    WebSocketException,
)
from websockets.typing import Subprotocol

from address import encrypted
from answers import passing, shown, wish_s
from issue_token import issue, local_key

HEARTBEAT_S = 30
MISSED_HEARTBEATS = 3
LONGEST_PAUSE_S = 30
PATIENCE_S = 120  # who is told to come back later than this gives up
# Nothing gets better by trying again: the program is wrong, or a newer one took its place.
GIVE_UP = {1003, 1009, 4400, 4409}


class NotTheRoom(Exception):
    """What came is nothing that a room says."""


class _Direct(connect):
    """The token is for this address, so a redirect is an answer like any other."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


# --8<-- [start:client]
class Client:
    """A member who survives lost connections: no message is missed, shown or sent twice."""

    def __init__(self, url: str, room: str, user: str, since: int | None = None) -> None:
        scheme, _, place = encrypted(url).partition(":")
        rooms = f"{scheme.lower().replace('http', 'ws')}:{place}/v1/rooms"
        self.address = f"{rooms}/{quote(room, safe='')}/socket"
        self.room, self.user, self.last_id = room, user, since
        self.unconfirmed: dict[str, str] = {}
        self.behind = False

    def say(self, text: str) -> None:
        self.unconfirmed[str(uuid.uuid4())] = text

    async def run(self, follow: bool) -> None:
        """Stay connected; without ``follow`` return once all is read and confirmed."""
        pause_s = 0.25
        while True:
            told_s = 0.0
            try:
                async with self._join() as socket:
                    pause_s = 0.25
                    return await self._talk(socket, follow)
            except InvalidStatus as refused:
                given = refused.response.headers.get_all("Retry-After")
                told_s = wish_s(", ".join(given))
                if not passing(refused.response.status_code) or told_s > PATIENCE_S:
                    raise
            except ConnectionClosed as lost:
                if lost.rcvd is not None and lost.rcvd.code in GIVE_UP:
                    raise
            except ssl.SSLError as wrong:
                raise NotTheRoom(f"no TLS with this server: {wrong.reason}") from None
            except (OSError, InvalidMessage):
                pass  # no network, or nothing heard, or cut off during the handshake
            # At random, so that not all members come back in the same instant.
            await asyncio.sleep(told_s + random.uniform(0, pause_s))
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _join(self) -> connect:
        query = "" if self.last_id is None else f"?since={self.last_id}"
        # A new token each time: the last one may have expired meanwhile.
        token = issue(self.room, self.user, local_key())
        protocols = [Subprotocol("chat.v1"), Subprotocol(f"token.{token}")]
        return _Direct(
            self.address + query,
            subprotocols=protocols,
            # The environment may name a proxy, and it would read what is not encrypted.
            proxy=True if self.address.startswith("wss:") else None,
            ping_interval=None,
            close_timeout=1,
        )

    async def _talk(self, socket: ClientConnection, follow: bool) -> None:
        heartbeat = asyncio.create_task(self._beat(socket))
        try:
            heard_all = self.behind = False
            while follow or not heard_all or self.unconfirmed:
                # Each "ping" brings a "pong": after a long silence the network is gone.
                data = await asyncio.wait_for(socket.recv(), MISSED_HEARTBEATS * HEARTBEAT_S)
                if data == "pong":
                    continue
                try:
                    frame = json.loads(data)
                    if frame["type"] == "history":
                        heard_all = await self._hear(socket, frame)
                    else:
                        await self._take(socket, frame)
                except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
                    raise NotTheRoom("what came is no message of a room") from None
        finally:
            heartbeat.cancel()

    async def _beat(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await asyncio.sleep(HEARTBEAT_S)
                await socket.send("ping")

    async def _hear(self, socket: ClientConnection, page: dict[str, Any]) -> bool:
        # Each page goes on from the last one: else a broken room would hold us for ever.
        if page["reset"]:
            if self.behind:
                raise NotTheRoom("the history repeats itself")
            self.last_id = None
        before = self.last_id
        if page["expired"]:
            print("* older messages are gone")
        for message in page["messages"]:
            self._show(message)
        if page["more"] and self.last_id == before:
            raise NotTheRoom("the history repeats itself")
        self.behind = page["more"]
        await self._go_on(socket)
        return not self.behind

    async def _go_on(self, socket: ClientConnection) -> None:
        if self.behind:
            await socket.send(json.dumps({"type": "resume", "since": self.last_id}))
        else:
            await self._send_next(socket)

    async def _send_next(self, socket: ClientConnection) -> None:
        """One at a time, each with the key it always had: nothing is stored twice."""
        for key, text in list(self.unconfirmed.items())[:1]:
            await socket.send(json.dumps({"type": "send", "key": key, "text": text}))

    async def _take(self, socket: ClientConnection, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "message":
                self._show(frame)
            case "sent":
                self.unconfirmed.pop(frame["key"], None)
                await self._send_next(socket)
            case "check":
                await socket.send(json.dumps(frame))
            case "welcome":
                print(shown(f"* online: {', '.join(frame['online'])}"))
            case "joined" | "left":
                print(shown(f"* {frame['user']} {frame['type']}"))
            case "error":
                await self._fail(socket, frame)

    async def _fail(self, socket: ClientConnection, frame: dict[str, Any]) -> None:
        code = frame["error"]["code"]
        if code in ("rate_limited", "not_stored"):
            told_s = frame.get("retryAfterMs", 1000) / 1000
            if not 0 <= told_s <= PATIENCE_S:
                raise NotTheRoom(f"{code}: come back in {told_s:.0f} s")
            await asyncio.sleep(told_s)
        else:
            print(shown(f"! {code}: {frame['error']['message']}"))
            self.unconfirmed.pop(frame.get("key", ""), None)
        await self._go_on(socket)

    def _show(self, message: dict[str, Any]) -> None:
        if message["id"] > (self.last_id or 0):
            self.last_id = message["id"]
            line = f"{message['id']} {message['user']}: {message['text']}"
            print(shown(line), flush=True)


# --8<-- [end:client]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("room")
    parser.add_argument("user")
    parser.add_argument("--say", action="append", default=[], metavar="TEXT")
    parser.add_argument("--since", type=int, metavar="ID", help="the last message you have")
    parser.add_argument("--follow", action="store_true", help="stay until Ctrl-C")
    asked = parser.parse_args()
    client = Client(asked.url, asked.room, asked.user, asked.since)
    for line in asked.say:
        client.say(line)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # On Windows, a file as output holds no emoji, and one must not end the client.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        asyncio.run(client.run(asked.follow))
    except (NotTheRoom, WebSocketException) as end:
        raise SystemExit(shown(str(end))) from end
