"""Where a proof may travel: to the API that it is for, encrypted, and nowhere else."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import httpx


class Refused(RuntimeError):
    """Access or the gateway did not let the caller do this."""


# --8<-- [start:hooks]
def hooks(base_url: str) -> dict[str, list[Callable[..., Any]]]:
    """Return event hooks that keep a client at its own API.

    httpx calls them for each request, so also for each redirect that a caller follows.

    Raises:
        ValueError: now, when the address is not encrypted; later, from any request to
            another scheme, host or port, before it is sent.
        Refused: later, from any answer that is a redirect.
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

    return {"request": [stay], "response": [refuse]}


def _is_this_machine(host: str) -> bool:
    """What stays on the machine needs no encryption: so the examples run without TLS."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


# --8<-- [end:hooks]
