"""Sign requests to the gateway with HMAC-SHA-256."""

import hashlib
import hmac
import re
import secrets
import time
from string import ascii_letters, digits

import httpx

from own_address import AsyncClient, Client, settings

# --8<-- [start:canonical]
# What stands for itself (RFC 3986): unreserved characters, and delimiters of path and query.
UNRESERVED = frozenset(ascii_letters + digits + "-._~")
IN_PATH = UNRESERVED | frozenset("!$&'()*+,;=:@/")
IN_QUERY = IN_PATH - {"'"} | {"?"}


def encode(text: str, allowed: frozenset[str]) -> str:
    """Write each byte as itself when it is allowed, else as ``%XX``.

    An unreserved character never stays encoded.
    """
    parts = re.split(rb"%([0-9A-Fa-f]{2})", text.encode())
    return "".join(
        _one(int(part, 16), UNRESERVED)
        if index % 2
        else "".join(_one(byte, allowed) for byte in part)
        for index, part in enumerate(parts)
    )


def _one(byte: int, plain: frozenset[str]) -> str:
    return chr(byte) if chr(byte) in plain else f"%{byte:02X}"


def canonical_target(target: str) -> str:
    r"""Return path and query in the one form that the edge and the URL parser leave alone.

    Both resolve ``.`` and ``..`` (also as ``%2e``). The parser takes ``\`` for ``/``, and so
    does the edge by default; its other type of normalization writes ``%5C``. The edge decodes
    unreserved characters, the parser encodes ``'`` in a query. A signature over anything else
    would not match what the Worker sees.

    Raises:
        ValueError: the path does not start with ``/``, or holds an empty segment, which the
            edge would merge away.
    """
    path, _, query = target.partition("?")
    first, *segments = encode(path.replace("\\", "/"), IN_PATH).split("/")
    kept: list[str] = []
    for position, segment in enumerate(segments, start=1):
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
        if segment in (".", "..") and position == len(segments):
            kept.append("")
    if first or not segments or "" in kept[:-1]:
        raise ValueError(f"not a path that can be signed: {target!r}")
    return "/" + "/".join(kept) + (f"?{encode(query, IN_QUERY)}" if query else "")


# --8<-- [end:canonical]


# --8<-- [start:sign]
VERSION = "v2"


def message(method: str, target: str, timestamp: int, nonce: str, body_hash: str) -> bytes:
    """Return the bytes to sign: version, method, target, Unix seconds, nonce, body hash."""
    lines = [VERSION, method, target, str(timestamp), nonce, body_hash]
    return "\n".join(lines).encode()


def sign(
    key: str, method: str, target: str, timestamp: int, nonce: str, body_hash: str
) -> str:
    """Return the value of ``X-Signature``."""
    text = message(method, target, timestamp, nonce, body_hash)
    return f"{VERSION}=" + hmac.new(key.encode(), text, "sha256").hexdigest()


class Signer:
    """Signs a request in its place, each time anew: a hook for httpx."""

    def __init__(self, key_id: str, key: str) -> None:
        self.key_id, self._key = key_id, key

    def __call__(self, request: httpx.Request) -> None:
        target = canonical_target(request.url.raw_path.decode())
        request.url = request.url.copy_with(raw_path=target.encode())
        timestamp, nonce = int(time.time()), secrets.token_urlsafe(24)
        body_hash = hashlib.sha256(request.read()).hexdigest()
        signed = request.method, target, timestamp, nonce, body_hash
        request.headers.update(
            {
                "X-Key-Id": self.key_id,
                "X-Timestamp": str(timestamp),
                "X-Nonce": nonce,
                "X-Content-SHA256": body_hash,
                "X-Signature": sign(self._key, *signed),
            }
        )


def client(base_url: str, key_id: str, key: str) -> httpx.Client:
    """Return a client that signs every request, and sends none to another address.

    A signature that was not used yet is worth a request: whoever gets it, in clear or by a
    redirect, can send that request first.

    Raises:
        ValueError, Refused: as ``own_address.settings`` says.
    """
    made = Client(**settings(base_url))
    made.event_hooks["request"].append(Signer(key_id, key))
    return made


# --8<-- [end:sign]


def async_client(base_url: str, key_id: str, key: str) -> httpx.AsyncClient:
    """Return the same for asyncio."""
    options, signer = settings(base_url), Signer(key_id, key)
    guard = options.pop("event_hooks")

    async def stay_and_sign(request: httpx.Request) -> None:
        for hook in guard["request"]:
            hook(request)
        await request.aread()
        signer(request)

    async def refuse(response: httpx.Response) -> None:
        for hook in guard["response"]:
            hook(response)

    return AsyncClient(
        **options, event_hooks={"request": [stay_and_sign], "response": [refuse]}
    )
