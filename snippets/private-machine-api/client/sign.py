"""Sign requests to the gateway with HMAC-SHA-256."""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Generator

import httpx

# --8<-- [start:canonical]
# Unreserved characters and the delimiters that both path and query may hold (RFC 3986, section 3.3).
PATH_CHARACTERS = re.compile(rb"[A-Za-z0-9\-._~!$&'()*+,;=:@/]")
QUERY_CHARACTERS = re.compile(rb"[A-Za-z0-9\-._~!$&()*+,;=:@/?]")


def encode(text: str, allowed: re.Pattern[bytes]) -> str:
    """Percent-encode every byte that is not allowed, and write existing ``%xx`` in upper case."""
    parts = re.split(rb"(%[0-9A-Fa-f]{2})", text.encode())
    return "".join(
        part.decode().upper()
        if index % 2
        else "".join(chr(b) if allowed.fullmatch(bytes([b])) else f"%{b:02X}" for b in part)
        for index, part in enumerate(parts)
    )


def canonical_target(target: str) -> str:
    r"""Return path and query in the one form that the runtime's URL parser leaves alone.

    The parser resolves ``.`` and ``..`` (also as ``%2e``), takes ``\`` for ``/`` and encodes ``'`` in a query
    (WHATWG URL Standard), so a signature over anything else would not match what the Worker sees.

    Raises:
        ValueError: the path does not start with one ``/``, or holds an empty segment, which Cloudflare's URL
            normalisation would merge away.
    """
    path, mark, query = target.partition("?")
    segments: list[str] = []
    first, *rest = re.sub(r"%2e", ".", path.replace("\\", "/"), flags=re.I).split("/")
    for position, segment in enumerate(rest, start=1):
        last = position == len(rest)
        if segment in (".", ".."):
            segments = segments[:-1] if segment == ".." else segments
            segments += [""] if last else []
        else:
            segments.append(segment)
    if first or not rest or "" in segments[:-1]:
        raise ValueError(f"not a path that can be signed: {target!r}")
    return encode("/" + "/".join(segments), PATH_CHARACTERS) + (f"?{encode(query, QUERY_CHARACTERS)}" if query else "")
# --8<-- [end:canonical]


# --8<-- [start:sign]
def message(method: str, target: str, timestamp: int, nonce: str, body: bytes) -> bytes:
    """Return the bytes to sign: method, canonical target, Unix seconds, nonce, hex SHA-256 of the body."""
    return "\n".join([method, target, str(timestamp), nonce, hashlib.sha256(body).hexdigest()]).encode()


def sign(key: str, method: str, target: str, timestamp: int, nonce: str, body: bytes) -> str:
    """Return the value of ``X-Signature``."""
    return "v1=" + hmac.new(key.encode(), message(method, target, timestamp, nonce, body), "sha256").hexdigest()


class HmacAuth(httpx.Auth):
    """Signs every request of an httpx client: ``httpx.Client(auth=HmacAuth("shop-backend", key))``."""

    requires_request_body = True

    def __init__(self, key_id: str, key: str) -> None:
        self.key_id, self._key = key_id, key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        target = canonical_target(request.url.raw_path.decode())
        request.url = request.url.copy_with(raw_path=target.encode())
        timestamp, nonce = int(time.time()), secrets.token_urlsafe(24)
        request.headers.update({
            "X-Key-Id": self.key_id,
            "X-Timestamp": str(timestamp),
            "X-Nonce": nonce,
            "X-Signature": sign(self._key, request.method, target, timestamp, nonce, request.content),
        })
        yield request
# --8<-- [end:sign]
