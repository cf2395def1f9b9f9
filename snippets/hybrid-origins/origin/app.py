"""One site of the shop: its pages, its orders, its health."""

import argparse
import hmac
import os
import ssl
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from health import Check, Health, healthz

LEAST_CHARACTERS = 32


async def page(request: Request) -> JSONResponse:
    return JSONResponse({"site": request.app.state.name, "path": request.scope["path"]})


async def order(request: Request) -> JSONResponse:
    return JSONResponse(
        {"site": request.app.state.name, "stored": len(await request.body())}, status_code=201
    )


# --8<-- [start:key]
async def only_the_worker(request: Request, call: RequestResponseEndpoint) -> Response:
    """Without this, whoever knows the address of the site passes the edge by."""
    given = request.headers.get("X-Origin-Key", "").encode()
    known = hmac.compare_digest(given, request.app.state.key.encode())
    # What the router reads. request.url is put together with the caller's Host header.
    if known or request.scope["path"] == "/healthz":
        return await call(request)
    error = {"code": "forbidden", "message": "This address is not public."}
    return JSONResponse({"error": error}, 403, headers={"Cache-Control": "no-store"})


# --8<-- [end:key]


def application(name: str, key: str, checks: list[Check]) -> Starlette:
    if len(key) < LEAST_CHARACTERS:
        raise SystemExit(f"ORIGIN_KEY has less than {LEAST_CHARACTERS} characters")
    app = Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/orders", order, methods=["POST", "PUT", "PATCH"]),
            Route("/{path:path}", page),
        ]
    )
    app.add_middleware(BaseHTTPMiddleware, dispatch=only_the_worker)
    app.state.name, app.state.key, app.state.health = name, key, Health(checks)
    return app


# --8<-- [start:serve]
def serve(app: Starlette, port: int, tls: Path | None) -> None:
    """Serve; with a folder of ``tls``, only to who shows a certificate of your own CA."""
    options: dict[str, Any] = (
        {}
        if tls is None
        else {
            "ssl_certfile": str(tls / "site.pem"),
            "ssl_keyfile": str(tls / "site.key"),
            "ssl_ca_certs": str(tls / "zone-ca.pem"),
            "ssl_cert_reqs": ssl.CERT_REQUIRED,
        }
    )
    options |= {"host": "127.0.0.1", "port": port, "log_level": "warning"}
    uvicorn.run(app, **options)


# --8<-- [end:serve]


async def database() -> None:
    """Replace it with ``SELECT 1`` on your own connection pool."""


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tls", type=Path)
    given = parser.parse_args()
    shop = application(
        given.name,
        os.environ.get("ORIGIN_KEY", ""),
        [Check("database", database, essential=True)],
    )
    serve(shop, given.port, given.tls)
