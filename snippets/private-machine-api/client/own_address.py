"""Where a proof may travel: to the API that it is for, encrypted, and nowhere else."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_address
from threading import Timer
from typing import Any
from urllib.parse import urlsplit

import httpx

LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
NAME = re.compile(rf"(?=.{{1,254}}$){LABEL}(?:\.{LABEL})*\.?")
REMEDY = "write it like https://example.com"
ANSWER_LIMIT_BYTES = 1_000_000
DEADLINE_S = 60  # for a request and its answer together


class Refused(RuntimeError):
    """Access or the gateway did not let the caller do this, or something else answered."""


class Counted(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that is refused where it grows too long."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._left = stream, ANSWER_LIMIT_BYTES

    def __iter__(self) -> Iterator[bytes]:
        return map(self._take, self._stream)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            yield self._take(chunk)

    def _take(self, chunk: bytes) -> bytes:
        self._left -= len(chunk)
        if self._left < 0:
            raise Refused(f"the answer has more than {ANSWER_LIMIT_BYTES:,} bytes")
        return chunk

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()


class Client(httpx.Client):
    """httpx limits each read, and a server that sends a byte now and then never ends.

    An answer that is too slow closes the client, for all requests: make a new one.
    """

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        if self.is_closed:
            raise Refused("closed, by you or by a slow answer: make a new client")
        timer = Timer(DEADLINE_S, self.close)
        timer.daemon = True
        timer.start()
        try:
            return super().send(request, **options)
        except httpx.TransportError as error:
            if self.is_closed:
                raise Refused(f"no whole answer in {DEADLINE_S} s") from error
            raise
        finally:
            timer.cancel()


class AsyncClient(httpx.AsyncClient):
    """The same for asyncio."""

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await super().send(request, **options)
        except TimeoutError as error:
            raise Refused(f"no whole answer in {DEADLINE_S} s") from error


# --8<-- [start:settings]
def settings(base_url: str) -> dict[str, Any]:
    """Return the options that keep a ``Client`` at its own API.

    httpx calls the hooks for each request, so also for each redirect that a caller follows.

    Raises:
        ValueError: now, when the address is none, or not encrypted; later, from any request
            to another scheme, host or port, before it is sent.
        Refused: later, from any answer that is a redirect, packed, too long or too slow.
    """
    try:
        api = httpx.URL(base_url)
        parts = urlsplit(base_url)
        _ = api.host, parts.port  # both may be none: of a bad xn--, of a large number
    except (httpx.InvalidURL, ValueError) as error:
        raise ValueError(f"this is no address: {REMEDY}") from error
    if api.scheme != "https" and not _is_this_machine(api.host):
        # The rest may hold a password.
        raise ValueError(f"{api.scheme}://{api.host} is not encrypted: use https://")
    host = parts.hostname or ""
    if not (NAME.fullmatch(host) or _is_address(host)):
        raise ValueError(f"{host[:80]!r} is no host, or not in ASCII: {REMEDY}")

    def stay(request: httpx.Request) -> None:
        if (request.url.scheme, request.url.netloc) != (api.scheme, api.netloc):
            other = f"{request.url.scheme}://{request.url.host}"
            raise ValueError(f"not an address of this API: {other}")

    def refuse(response: httpx.Response) -> None:
        if response.is_redirect:
            asked = f"{response.request.method} {response.request.url.path}"
            raise Refused(f"{asked}: {response.status_code}")
        if "Content-Encoding" in response.headers:
            raise Refused(f"{response.status_code}: the answer is packed")
        response.stream = Counted(response.stream)
        response.encoding = "utf-8"  # Python knows encodings that unpack, or are slow

    return {
        "base_url": base_url,
        # A packed kilobyte can unpack to gigabytes: none is asked for, none is taken.
        "headers": {"Accept-Encoding": "identity"},
        "event_hooks": {"request": [stay], "response": [refuse]},
        # The environment may name a proxy, and it would read what is not encrypted.
        "trust_env": api.scheme == "https",
        "follow_redirects": False,
        "timeout": 10,
    }


def _is_this_machine(host: str) -> bool:
    """What stays on the machine needs no encryption: so the examples run without TLS."""
    return host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


# --8<-- [end:settings]
