"""An internal application behind a tunnel: nobody reaches a route whose token is not verified.

    uv run python snippets/tunnel-access/origin/app.py --local-team

In production, set TEAM_DOMAIN and AUDIENCE. ``--local-team`` plays the Access team on this machine instead.
"""

import argparse
import asyncio
import json
import os
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from keys import Keys
from verify import Identity, Refused, Verifier

KEYS_LIMIT_BYTES = 1_000_000
KEYS_DEADLINE_S = 3
BACKUP_SERVICES = frozenset({"11111111111111111111111111111111.access"})
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


# --8<-- [start:middleware]
class AccessMiddleware:
    """Let a request through only with a valid token; ``request.state`` says whose it is."""

    def __init__(self, app: Any, verifier: Verifier) -> None:
        self.app, self.verifier = app, verifier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        found = headers.getlist("cf-access-jwt-assertion")
        ray = headers.get("cf-ray") or str(uuid.uuid4())
        try:
            # Two headers are an attack on whoever reads the other one.
            token = found[0] if len(found) == 1 else None
            who = await run_in_threadpool(self.verifier.identify, token)
        except Refused as error:
            why = {"code": error.code, "reason": error.reason}
            print(json.dumps({"event": "refused", **why, "request": ray}), flush=True)
            return await refusal(error)(scope, receive, send)
        scope.setdefault("state", {})["identity"] = who
        return await self.app(scope, receive, send)


# --8<-- [end:middleware]


def refusal(error: Refused) -> JSONResponse:
    message = {
        403: "This address is reached through Cloudflare Access only.",
        503: "The sign-in cannot be checked at the moment.",
    }[error.status]
    headers = {"Cache-Control": "no-store"} | (
        {"Retry-After": "10"} if error.status == 503 else {}
    )
    return JSONResponse(
        {"error": {"code": error.code, "message": message}}, error.status, headers
    )


# --8<-- [start:routes]
async def home(request: Request) -> JSONResponse:
    who: Identity = request.state.identity
    return JSONResponse({"hello": who.name, "kind": who.kind})


async def backup(request: Request) -> JSONResponse:
    """Only the backup program. A person, or another program, is known and not allowed."""
    who: Identity = request.state.identity
    if who.kind != "service" or who.name not in BACKUP_SERVICES:
        error = {"code": "forbidden", "message": "This route is for the backup service."}
        return JSONResponse({"error": error}, 403, {"Cache-Control": "no-store"})
    return JSONResponse({"backup": "started"}, 202)


def application(verifier: Verifier) -> AccessMiddleware:
    routes = [Route("/", home), Route("/api/backup", backup, methods=["POST"])]
    return AccessMiddleware(Starlette(routes=routes), verifier)


# --8<-- [end:routes]


def fetch_from(team_domain: str) -> Callable[[], Mapping[str, Any]]:
    url = f"{team_domain}/cdn-cgi/access/certs"
    # Nothing packed: a small answer could unpack to gigabytes.
    plain = {"Accept-Encoding": "identity"}

    async def fetch() -> Mapping[str, Any]:
        data = b""
        async with (
            # httpx limits each read: a server that sends a byte now and then never ends.
            asyncio.timeout(KEYS_DEADLINE_S),
            httpx.AsyncClient(headers=plain) as http,
            http.stream("GET", url) as answer,
        ):
            answer.raise_for_status()
            if "Content-Encoding" in answer.headers:
                raise ValueError("the answer is packed")
            async for chunk in answer.aiter_raw():
                data += chunk
                if len(data) > KEYS_LIMIT_BYTES:
                    raise ValueError("the answer is too large")
        document: Mapping[str, Any] = json.loads(data)
        return document

    # A thread asks, never the server's own loop.
    return lambda: asyncio.run(fetch())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8787)
    parser.add_argument("--local-team", action="store_true")
    options = parser.parse_args()
    if options.local_team:
        import local_team

        verifier = Verifier(
            Keys(local_team.documents), local_team.ISSUER, local_team.AUDIENCE
        )
    else:
        issuer, audience = os.environ.get("TEAM_DOMAIN", ""), os.environ.get("AUDIENCE")
        if not re.fullmatch(r"https://[\w.:-]+", issuer):
            # In clear, whoever is on the way could put keys of their own into the answer.
            form = "starts with https:// and ends with the hostname, as in the dashboard"
            raise SystemExit(f"TEAM_DOMAIN {form}")
        if not audience:
            raise SystemExit("set AUDIENCE to the application's AUD tag")
        verifier = Verifier(Keys(fetch_from(issuer)), issuer, audience)
    # Only cloudflared on this machine reaches the port.
    config = uvicorn.Config(
        application(verifier), host="127.0.0.1", port=options.port, server_header=False
    )
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
