"""A stand-in for Cloudflare's API: what the deployer sends reaches it over HTTP and is kept."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ACCOUNT = "/accounts/" + "0" * 32
SCRIPTS = f"{ACCOUNT}/workers/dispatch/namespaces/tenants/scripts/"


@dataclass
class Api:
    """What was asked, and how to answer the next upload: a status and an error text."""

    url: str = ""
    calls: list[str] = field(default_factory=list)
    parts: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    upload: tuple[int, str] = (200, "")
    text: str = "nothing"
    databases: list[dict[str, str]] = field(default_factory=list)
    hostnames: list[dict[str, str]] = field(default_factory=list)

    def answer(self, method: str, path: str, body: bytes, headers: Any) -> tuple[int, Any]:
        self.calls.append(f"{method} {path}")
        if path.startswith("/dns?"):
            return 200, {"Answer": [{"type": 16, "data": f'"{self.text}"'}]}
        if headers["Authorization"] != "Bearer api-token":
            return 403, {"success": False, "errors": [{"code": 9109, "message": "Unauthorized"}]}
        if method == "PUT" and path.startswith(SCRIPTS):
            message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + body)
            self.parts = {
                str(part.get_param("name", header="content-disposition")): (part.get_content_type(), part.get_payload(decode=True))
                for part in message.iter_parts()
            }
            status, text = self.upload
            return status, {"success": status == 200, "result": {}, "errors": [{"code": 10021, "message": text}] if text else []}
        rows = self.databases if "d1" in path else self.hostnames
        if method == "POST":
            new = json.loads(body)
            rows.append({"uuid": "db-1", "id": "host-1", "name": new.get("name"), "hostname": new.get("hostname")})
            return 200, {"success": True, "result": rows[-1]}
        return 200, {"success": True, "result": rows}


@contextmanager
def cloudflare_api() -> Iterator[Api]:
    api = Api()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) if "Content-Length" in self.headers else self.chunked()
            status, answer = api.answer(self.command, self.path, body, self.headers)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def chunked(self) -> bytes:
            body = b""
            if self.headers.get("Transfer-Encoding") == "chunked":
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            return body

        do_GET = do_POST = do_PUT = do_DELETE = handle_any

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        api.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()
