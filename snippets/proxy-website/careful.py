"""A client for one address, which takes no packed or endless answer and lets no proxy read along."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from address import encrypted

ANSWER_LIMIT_BYTES = 1_000_000


class NoAnswer(SystemExit):
    """What came is no answer, or none that can be taken."""


# --8<-- [start:careful]
class Counted(httpx.SyncByteStream):
    """A body that is refused where it grows too long."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._left = stream, ANSWER_LIMIT_BYTES

    def __iter__(self) -> Iterator[bytes]:
        return map(self._take, self._stream)

    def _take(self, chunk: bytes) -> bytes:
        self._left -= len(chunk)
        if self._left < 0:
            raise NoAnswer(f"the answer has more than {ANSWER_LIMIT_BYTES:,} bytes")
        return chunk

    def close(self) -> None:
        self._stream.close()


def bound(response: httpx.Response) -> None:
    """Refuse a packed answer, a kilobyte of which can be gigabytes, before it is read."""
    if "Content-Encoding" in response.headers:
        raise NoAnswer(f"{response.status_code}: the answer is packed")
    response.stream = Counted(response.stream)


def client(
    url: str, headers: Mapping[str, str] | None = None, timeout_s: float = 10
) -> httpx.Client:
    """Return a client that asks for plain answers and follows no redirect.

    Raises:
        SystemExit: now, when the address is not encrypted.
        NoAnswer: later, from any answer that is packed or too long.
    """
    return httpx.Client(
        base_url=encrypted(url),
        headers={**(headers or {}), "Accept-Encoding": "identity"},
        event_hooks={"response": [bound]},
        # The environment may name a proxy, and it would read what is not encrypted.
        trust_env=url.lower().startswith("https:"),
        timeout=timeout_s,
    )


# --8<-- [end:careful]
