"""A server that gives prepared answers and remembers what it was asked, to meet clients with what real servers say."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOO_LONG_BYTES = 8_000_000
PACKED_TWICE = gzip.compress(gzip.compress(bytes(20_000_000)))


@dataclass(frozen=True)
class Canned:
    """One answer; None as a status hangs up instead, and None as a header leaves it out."""

    status: int | None
    headers: dict[str, str | None] = field(default_factory=dict)
    body: bytes = b""


# What a client can neither keep nor unpack, and what it says.
ENDLESS = [
    (Canned(200, {}, bytes(TOO_LONG_BYTES)), "the answer has more than 1,000,000 bytes"),
    (Canned(200, {"Content-Length": None}, bytes(TOO_LONG_BYTES)), "the answer has more than 1,000,000 bytes"),
    (Canned(200, {"Content-Encoding": "gzip, gzip"}, PACKED_TWICE), "200: the answer is packed"),
    (Canned(403, {"Content-Encoding": "gzip"}, PACKED_TWICE), "403: the answer is packed"),
]


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
                if value is not None:
                    self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):  # they hung up, as they should
                self.wfile.write(canned.body)

        # A proxy is asked to CONNECT.
        do_CONNECT = do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

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
