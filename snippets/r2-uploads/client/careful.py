"""A client for one address, which takes no packed or endless answer and lets no proxy read along."""

import os
import re
from collections.abc import Iterator, Mapping
from threading import Timer
from typing import Any

import httpx

from address import REMEDY, encrypted

ANSWER_LIMIT_BYTES = 1_000_000
HEADER = re.compile(r"[\w!#$%&'*+.^`|~-]+: (?:[!-~]+(?: +[!-~]+)*)?", re.ASCII)


class NoAnswer(SystemExit):
    """What came is no answer, or none that can be taken."""


def setting(name: str) -> str:
    """Return what the environment gives."""
    if value := os.environ.get(name):
        return value
    raise SystemExit(f"set {name} in the environment")


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


class Hurried(httpx.Client):
    """httpx limits each read, and a server that sends a byte now and then never ends."""

    deadline_s: float

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        timer = Timer(self.deadline_s, self.close)
        timer.daemon = True
        timer.start()
        try:
            return super().send(request, **options)
        except httpx.TransportError as error:
            if self.is_closed:
                raise NoAnswer(f"no whole answer in {self.deadline_s:.0f} s") from error
            raise
        finally:
            timer.cancel()


def bound(response: httpx.Response) -> None:
    """Refuse a packed answer, a kilobyte of which can be gigabytes, before it is read."""
    if "Content-Encoding" in response.headers:
        raise NoAnswer(f"{response.status_code}: the answer is packed")
    response.stream = Counted(response.stream)
    response.encoding = "utf-8"  # Python knows encodings that unpack, or are slow


def known(url: str) -> str:
    """Return an address that httpx takes, too: it decodes what begins with ``xn--``."""
    try:
        _ = httpx.URL(encrypted(url)).host
    except (httpx.InvalidURL, UnicodeError) as error:
        raise SystemExit(f"httpx cannot read this address: {REMEDY}") from error
    return url


def sendable(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers that can be sent. A library would show the value that is wrong."""
    for name, value in headers.items():
        if not HEADER.fullmatch(f"{name}: {value}"):
            raise SystemExit(f"{name!r} takes printable ASCII, and no space at an end")
    return {**headers}


def client(
    url: str,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 10,
    deadline_s: float = 60,
) -> httpx.Client:
    """Return a client that asks for plain answers and follows no redirect.

    Args:
        url: the address of the API.
        headers: what each request carries.
        timeout_s: how long it waits for the next bytes.
        deadline_s: how long a request and its answer may take together.

    Raises:
        SystemExit: now, when the address is none, or not encrypted, or a header is none.
        NoAnswer: later, from any answer that is packed, too long or too slow.
    """
    made = Hurried(
        base_url=known(url),
        headers={**sendable(headers or {}), "Accept-Encoding": "identity"},
        event_hooks={"response": [bound]},
        # The environment may name a proxy, and it would read what is not encrypted.
        trust_env=url.lower().startswith("https:"),
        timeout=timeout_s,
    )
    made.deadline_s = deadline_s
    return made


# --8<-- [end:careful]
