"""Where a proof may travel: to the API that it is for, encrypted, and nowhere else."""

from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_address
from typing import Any

import httpx

ANSWER_LIMIT_BYTES = 1_000_000


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


# --8<-- [start:settings]
def settings(base_url: str) -> dict[str, Any]:
    """Return the options that keep a client of httpx at its own API.

    httpx calls the hooks for each request, so also for each redirect that a caller follows.

    Raises:
        ValueError: now, when the address is not encrypted; later, from any request to
            another scheme, host or port, before it is sent.
        Refused: later, from any answer that is a redirect, packed or too long.
    """
    api = httpx.URL(base_url)
    if api.scheme != "https" and not _is_this_machine(api.host):
        raise ValueError(f"{base_url} is not encrypted: use https://")

    def stay(request: httpx.Request) -> None:
        if (request.url.scheme, request.url.netloc) != (api.scheme, api.netloc):
            raise ValueError(f"not an address of this API: {request.url}")

    def refuse(response: httpx.Response) -> None:
        if response.is_redirect:
            asked = f"{response.request.method} {response.request.url.path}"
            raise Refused(f"{asked}: {response.status_code}")
        if "Content-Encoding" in response.headers:
            raise Refused(f"{response.status_code}: the answer is packed")
        response.stream = Counted(response.stream)

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
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


# --8<-- [end:settings]
