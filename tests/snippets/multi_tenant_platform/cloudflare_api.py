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
    """What was asked, and how to answer the next upload, hostname and database: a status and an error text; and how many spaces follow."""

    url: str = ""
    calls: list[str] = field(default_factory=list)
    parts: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    upload: tuple[int, str] = (200, "")
    hostname: tuple[int, str] = (200, "")
    database: tuple[int, str] = (200, "")
    dns: int = 200
    text: str = "nothing"
    padding: int = 0
    databases: list[dict[str, str]] = field(default_factory=list)
    hostnames: list[dict[str, str]] = field(default_factory=list)

    def answer(self, method: str, path: str, body: bytes, headers: Any) -> tuple[int, Any]:
        self.calls.append(f"{method} {path}")
        if path.startswith("/dns?"):
            return self.dns, {"Answer": [{"type": 16, "data": f'"{self.text}"'}]}
        if headers["Authorization"] != "Bearer api-token":
            return 403, {"success": False, "errors": [{"code": 9109, "message": "Unauthorized"}]}
        if method == "PUT" and path.startswith(SCRIPTS):
            message = BytesParser(policy=HTTP).parsebytes(
                b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + body
            )
            self.parts = {
                str(part.get_param("name", header="content-disposition")): (
                    part.get_content_type(),
                    part.get_payload(decode=True),
                )
                for part in message.iter_parts()
            }
            return self.result(self.upload, {})
        rows, said = (self.databases, self.database) if "d1" in path else (self.hostnames, self.hostname)
        if method == "GET":
            # As a search by name may do, it finds more than was asked for.
            return self.result((200, ""), rows)
        new = {}
        if method == "POST" and said[0] == 200:
            sent, number = json.loads(body), len(rows) + 1
            new = {
                "uuid": f"db-{number}",
                "id": f"host-{number}",
                "name": sent.get("name"),
                "hostname": sent.get("hostname"),
            }
            rows.append(new)
        if method == "DELETE" and said[0] == 200:
            rows[:] = [row for row in rows if row["id"] != path.rsplit("/", 1)[1]]
        return self.result(said, new)

    @staticmethod
    def result(said: tuple[int, str], result: Any) -> tuple[int, Any]:
        status, text = said
        return status, {
            "success": status == 200,
            "result": result,
            "errors": [{"code": 10021, "message": text}] if text else [],
        }


@contextmanager
def cloudflare_api() -> Iterator[Api]:
    api = Api()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = (
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if "Content-Length" in self.headers
                else self.chunked()
            )
            status, answer = api.answer(self.command, self.path, body, self.headers)
            text = json.dumps(answer).encode() + b" " * api.padding
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
