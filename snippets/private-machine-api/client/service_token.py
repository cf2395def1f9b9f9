"""Call the gateway with an Access service token."""

import httpx

from own_address import Refused, hooks


# --8<-- [start:client]
def client(base_url: str, client_id: str, client_secret: str) -> httpx.Client:
    """Return a client that sends the service token with every request.

    Redirects are an error: without strict mode, Access answers a bad token with 302 to a
    login page, and a client that follows it reports success.

    Raises:
        Refused: from any request that is answered with a redirect, 401 or 403.
        ValueError: at once when the address is not encrypted; later, from any request to
            another scheme, host or port, before it is sent.
    """
    guard = hooks(base_url)

    def let_in(response: httpx.Response) -> None:
        if response.status_code in (401, 403):
            asked = f"{response.request.method} {response.request.url.path}"
            raise Refused(f"{asked}: {response.status_code}")

    return httpx.Client(
        base_url=base_url,
        headers={
            "CF-Access-Client-Id": client_id,
            "CF-Access-Client-Secret": client_secret,
        },
        event_hooks={**guard, "response": [*guard["response"], let_in]},
        follow_redirects=False,
        timeout=10,
    )


# --8<-- [end:client]
