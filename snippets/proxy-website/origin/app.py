"""An origin that only your own zone reaches: TLS with a client certificate of your CA.

    uv run python snippets/proxy-website/origin/app.py --folder tls --own-ca tls/own-ca.pem

The folder holds ``server.pem`` and ``server.key``. With ``--observe`` it asks for a certificate and takes whoever has none, so that
you can read in the log who calls before you lock.
"""

import argparse
import json
import ssl
from asyncio import Transport
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from visitor import Network, load, visitor


# --8<-- [start:tls]
def context(folder: Path, own_ca: Path, shared_ca: Path | None = None) -> ssl.SSLContext:
    """Return the server's TLS settings.

    Without ``shared_ca`` the handshake fails unless the client shows a certificate of your
    own CA: the lock. With it, this is the trial before: certificates of both CAs, and none
    at all, get in and are told apart.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.load_cert_chain(folder / "server.pem", folder / "server.key")
    made.load_verify_locations(own_ca)
    made.verify_mode = ssl.CERT_REQUIRED if shared_ca is None else ssl.CERT_OPTIONAL
    if shared_ca:
        made.load_verify_locations(shared_ca)
    return made


def issuer(certificate: dict[str, Any] | None) -> str:
    """Return the common name of who issued a verified client certificate, or ``none``."""
    parts = (certificate or {}).get("issuer", ())
    names = (value for part in parts for name, value in part if name == "commonName")
    return next(names, "none")


# --8<-- [end:tls]


class WithPeer(H11Protocol):
    """Tells the application who issued the client certificate of the connection."""

    def connection_made(self, transport: Transport) -> None:
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        self.app_state = {
            **self.app_state,
            "issuer": issuer(tls.getpeercert() if tls else None),
        }


# --8<-- [start:app]
def application(trusted: Sequence[Network], own: str) -> Starlette:
    """Return the site.

    Args:
        trusted: whose word counts for the visitor's address.
        own: the common name of your own CA.
    """

    async def home(request: Request) -> JSONResponse:
        proof = request.state.issuer
        address = visitor(
            request.client.host if request.client else "",
            request.headers.raw,
            trusted if proof == own else (),
        )
        ray = request.headers.get("cf-ray", "none")
        print(
            json.dumps(
                {"event": "request", "visitor": address, "proof": proof, "request": ray}
            ),
            flush=True,
        )
        return JSONResponse({"visitor": address, "proof": proof})

    return Starlette(routes=[Route("/", home)])


# --8<-- [end:app]


def server(
    app: Starlette, tls: ssl.SSLContext, port: int, host: str = "127.0.0.1"
) -> uvicorn.Server:
    config = uvicorn.Config(
        app, host=host, port=port, http=WithPeer, proxy_headers=False, server_header=False
    )
    config.load()
    config.ssl = tls
    return uvicorn.Server(config)


def common_name(own_ca: Path) -> str:
    """Return the name that tells your own authority from others."""
    try:
        found = ssl.create_default_context(cafile=str(own_ca)).get_ca_certs()
    except OSError as error:
        raise SystemExit(f"{own_ca}: {error}") from error
    parts = cast(Any, found[0]["subject"]) if found else ()
    names = (value for part in parts for name, value in part if name == "commonName")
    if name := next(names, ""):
        return name
    raise SystemExit(f"{own_ca} holds no certificate of an authority with a common name")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8443)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--own-ca", type=Path, required=True)
    parser.add_argument("--observe", type=Path, metavar="SHARED_CA")
    options = parser.parse_args()
    own = common_name(options.own_ca)
    try:
        tls = context(options.folder, options.own_ca, options.observe)
    except OSError as error:
        files = f"{options.folder / 'server.pem'}, server.key or the shared CA"
        raise SystemExit(f"{files}: {error}") from error
    server(application(load(), own), tls, options.port, options.host).run()


if __name__ == "__main__":
    main()
