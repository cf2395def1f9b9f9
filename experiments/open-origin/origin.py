"""An origin behind Cloudflare, with three locks on its door: none, everybody's, your own."""

import ssl
from http.server import BaseHTTPRequestHandler
from pathlib import Path

OFFICE_ADDRESS = "198.51.100.7"


# --8<-- [start:open]
def open_door(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Says who we are, and asks nobody who they are.
    context.load_cert_chain(certificate, key)
    return context
    # --8<-- [end:open]


# --8<-- [start:locked]
def locked_door(certificate: Path, key: Path, authority: Path) -> ssl.SSLContext:
    context = open_door(certificate, key)
    # The authority that signed the certificate which the edge shows.
    context.load_verify_locations(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    return context
    # --8<-- [end:locked]


class Origin(BaseHTTPRequestHandler):
    """The shop, and an admin page for the office."""

    # --8<-- [start:trust]
    def do_GET(self) -> None:
        # True only where nobody but your zone gets in.
        visitor = self.headers.get("CF-Connecting-IP", "")
        if self.path != "/admin":
            self.answer(200, "shop")
        elif visitor == OFFICE_ADDRESS:
            self.answer(200, "admin")
        else:
            self.answer(403, "not from here")

    # --8<-- [end:trust]
    def answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass
