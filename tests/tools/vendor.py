"""A vendor's web server that answers, moves, hangs and lies as a test tells it; also as a proxy that speaks TLS."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

HTML = "text/html; charset=utf-8"


class Handler(BaseHTTPRequestHandler):
    """Looks up what to do by path; an unknown path is a 404."""

    server: "Vendor"
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers.items())))
        self.server.pages.get(self.path, lambda h: h.give(b"gone", status=404))(self)

    def do_CONNECT(self) -> None:
        self.server.asked.append((self.path, dict(self.headers.items())))
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        with self.server.tls.wrap_socket(self.connection, server_side=True) as inside:
            Handler(inside, self.client_address, self.server)

    def give(
        self, body: bytes | str, status: int = 200, kind: str = HTML, length: int | None = None, **headers: str
    ) -> None:
        """Answer; ``length`` claims another length than the body has, header names take ``_`` for ``-``."""
        data = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        self.end_headers()
        self.wfile.write(data)
        self.close_connection = length is not None


class Vendor(ThreadingHTTPServer):
    """The server.

    Attributes:
        pages: what to do for each path.
        asked: path and headers of every request, in order.
        over: set when the test ends, so that nothing hangs longer.
        tls: what ``CONNECT`` speaks inside.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages: dict[str, Callable[[Handler], None]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.over = threading.Event()
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # A client that hangs up early is what many tests are about.

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def page(self, path: str, body: bytes | str, **how: object) -> None:
        """Answer a path always in the same way."""
        self.pages[path] = lambda handler: handler.give(body, **how)

    def trusted_as(self, host: str, folder: Path) -> Path:
        """Speak TLS as ``host`` and return the file of the authority to trust."""
        file, authority = folder / "vendor.pem", trustme.CA()
        authority.issue_cert(host).configure_cert(self.tls)
        authority.cert_pem.write_to_path(str(file))
        return file


@contextmanager
def vendor() -> Iterator[Vendor]:
    """Start the server on a free port of 127.0.0.1."""
    server = Vendor()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
