"""Sign requests to the gateway with HMAC-SHA-256."""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Generator
from string import ascii_letters, digits

import httpx

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

    Both resolve ``.`` and ``..`` (also as ``%2e``) and take ``\`` for ``/``; the edge decodes
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
def message(method: str, target: str, timestamp: int, nonce: str, body: bytes) -> bytes:
    """Return the bytes to sign: method, target, Unix seconds, nonce, the body's SHA-256."""
    return "\n".join(
        [method, target, str(timestamp), nonce, hashlib.sha256(body).hexdigest()]
    ).encode()


def sign(key: str, method: str, target: str, timestamp: int, nonce: str, body: bytes) -> str:
    """Return the value of ``X-Signature``."""
    return (
        "v1="
        + hmac.new(
            key.encode(), message(method, target, timestamp, nonce, body), "sha256"
        ).hexdigest()
    )


class HmacAuth(httpx.Auth):
    """Signs every request: ``httpx.Client(auth=HmacAuth("shop-backend", key))``."""

    requires_request_body = True

    def __init__(self, key_id: str, key: str) -> None:
        self.key_id, self._key = key_id, key

    def auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        target = canonical_target(request.url.raw_path.decode())
        request.url = request.url.copy_with(raw_path=target.encode())
        timestamp, nonce = int(time.time()), secrets.token_urlsafe(24)
        request.headers.update(
            {
                "X-Key-Id": self.key_id,
                "X-Timestamp": str(timestamp),
                "X-Nonce": nonce,
                "X-Signature": sign(
                    self._key, request.method, target, timestamp, nonce, request.content
                ),
            }
        )
        yield request


# --8<-- [end:sign]
