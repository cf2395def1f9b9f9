"""Serve the example over TLS beside a page on a sibling hostname, as a browser meets the two."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from tests.snippets.private_machine_api.tls import Authority

# Chromium finds every name below .localhost on this machine, and keeps cookies for the site shop.localhost.
OURS, SIBLING = "tasks.shop.localhost", "blog.shop.localhost"
NOT_FORWARDED = {"connection", "origin", "accept-encoding"}
NOT_BACK = {"content-length", "transfer-encoding", "connection", "content-encoding"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *details: object) -> None:
        """Say nothing: browsers open connections that they then do not use."""


@contextmanager
def over_tls(worker_url: str, folder: Path) -> Iterator[int]:
    """Terminate TLS before the example, and answer an empty page for any other name; yield the port."""
    server = Authority("siblings", folder).issue("server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.certificate_file, server.key_file)

    class Handler(BaseHTTPRequestHandler):
        def setup(self) -> None:
            self.request = context.wrap_socket(self.request, server_side=True)
            super().setup()

        def finish(self) -> None:
            super().finish()
            self.request.close()

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if not self.headers["Host"].startswith(OURS):
                self.reply(200, [("Content-Type", "text/html")], b"<title>A sibling</title>")
                return
            # A header's bytes pass as they came, also those that are no ASCII.
            sent = [
                (name, value.encode("latin-1"))
                for name, value in self.headers.items()
                if name.lower() not in NOT_FORWARDED
            ]
            if origin := self.headers["Origin"]:
                # The Worker is called by http here, and would take its own page for a foreign one.
                sent.append(("Origin", origin.replace("https:", "http:").encode()))
            answer = httpx.request(self.command, worker_url + self.path, headers=sent, content=body, verify=False)
            back = [(name, value) for name, value in answer.headers.multi_items() if name not in NOT_BACK]
            self.reply(answer.status_code, back, answer.content)

        def reply(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response(status)
            for name, value in [*headers, ("Content-Length", str(len(body)))]:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = forward

        def log_message(self, *_: object) -> None:
            pass

    with _Server(("127.0.0.1", 0), Handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield listener.server_port
        finally:
            listener.shutdown()
            thread.join()
