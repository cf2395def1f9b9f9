"""Call the gateway with an Access service token."""

import re

import httpx

from own_address import Client, Refused, settings


# --8<-- [start:client]
def client(base_url: str, client_id: str, client_secret: str) -> httpx.Client:
    """Return a client that sends the service token with every request.

    Redirects are an error: without strict mode, Access answers a bad token with 302 to a
    login page, and a client that follows it reports success.

    Raises:
        Refused: from any request that is answered with a redirect, 401 or 403.
        ValueError: at once when the address is not encrypted, or the token has other
            signs; later, from any request to another scheme, host or port, before it
            is sent.
    """

    def let_in(response: httpx.Response) -> None:
        if response.status_code in (401, 403):
            asked = f"{response.request.method} {response.request.url.path}"
            raise Refused(f"{asked}: {response.status_code}")

    for value in (client_id, client_secret):
        # The library would show the secret.
        if not re.fullmatch("[!-~]+", value):
            raise ValueError("a service token is printable ASCII without a space")
    made = Client(**settings(base_url))
    made.headers["CF-Access-Client-Id"] = client_id
    made.headers["CF-Access-Client-Secret"] = client_secret
    made.event_hooks["response"].append(let_in)
    return made


# --8<-- [end:client]
