"""A server that gives prepared answers and remembers what it was asked, to meet clients with what real servers say."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Canned:
    """One answer; None as a status hangs up instead."""

    status: int | None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Asked:
    """What came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@contextmanager
def serving(*answers: Canned) -> Iterator[tuple[str, list[Asked]]]:
    """Give the answers in their order, the last one again and again; yield the address and what was asked."""
    left, asked = list(answers), []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(Asked(self.command, self.path, dict(self.headers), body))
            canned = left.pop(0) if len(left) > 1 else left[0]
            self.close_connection = True
            if canned.status is None:
                return
            self.send_response(canned.status)
            own = {"Content-Length": str(len(canned.body)), "Connection": "close"}
            for name, value in {**own, **canned.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(canned.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()
