"""Call the gateway with an Access service token."""

import httpx


# --8<-- [start:client]
class Refused(RuntimeError):
    """Access or the gateway did not let the caller do this."""


def client(base_url: str, client_id: str, client_secret: str) -> httpx.Client:
    """Return a client that sends the service token with every request.

    Redirects are an error: without strict mode, Access answers a bad token with 302 to a
    login page, and a client that follows it reports success.

    Raises:
        Refused: from any request that is answered with a redirect, 401 or 403.
        ValueError: from any request to another scheme, host or port, before it is sent.
    """
    api = httpx.URL(base_url)

    def stay(request: httpx.Request) -> None:
        if (request.url.scheme, request.url.netloc) != (api.scheme, api.netloc):
            raise ValueError(f"not an address of this API: {request.url}")

    def refuse(response: httpx.Response) -> None:
        if response.is_redirect or response.status_code in (401, 403):
            asked = f"{response.request.method} {response.request.url.path}"
            raise Refused(f"{asked}: {response.status_code}")

    return httpx.Client(
        base_url=base_url,
        headers={
            "CF-Access-Client-Id": client_id,
            "CF-Access-Client-Secret": client_secret,
        },
        event_hooks={"request": [stay], "response": [refuse]},
        follow_redirects=False,
        timeout=10,
    )


# --8<-- [end:client]
