"""Stand-in for a mail provider: acts once for each Idempotency-Key, and prints it.

It fails where the address says so: ``down-2@…`` fails twice before it works. There are
also ``busy``, ``slow``, ``refused``, ``denied`` and ``drop``: acts, then hangs up.
"""

import argparse
import json
import re
import signal
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STATUS = {"down": 500, "busy": 429, "refused": 422, "denied": 401}


class Provider(ThreadingHTTPServer):
    """Remembers what it was asked (``calls``) and what it did (``effects``), in order."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int = 0, log: bool = False) -> None:
        super().__init__(("127.0.0.1", port), Endpoint)
        self.lock = threading.Lock()
        self.calls: list[str] = []
        self.times: list[float] = []
        self.effects: list[tuple[str, str]] = []  # key, address
        self.known: set[str] = set()
        self.failed: Counter[tuple[str, str]] = Counter()
        self.retry_after = "2"
        self.slow_s = 1.0
        self.log = log

    def handle_error(self, request: object, client_address: object) -> None:
        """A Worker that hangs up is nothing to report."""

    def fault(self, path: str, address: str) -> str:
        """Return what goes wrong this time; each path counts for itself."""
        match = re.match(r"(down|busy|slow|refused|denied|drop)-(\d+)", address)
        if match is None or self.failed[path, address] >= int(match[2]):
            return ""
        self.failed[path, address] += 1
        return match[1]


class Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Provider

    def do_POST(self) -> None:
        key = self.headers["Idempotency-Key"]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.calls.append(key)
            self.server.times.append(time.monotonic())
            fault = self.server.fault(self.path, body["to"])
            if fault in ("", "slow", "drop") and key not in self.server.known:
                self.server.known.add(key)
                self.server.effects.append((key, body["to"]))
                if self.server.log:
                    what = body.get("subject", self.path)
                    print(f"provider: {what!r} to {body['to']}", flush=True)
        if fault == "slow":
            time.sleep(self.server.slow_s)
        if fault == "drop":
            self.close_connection = True
            return
        self.send_response(STATUS.get(fault, 202))
        if fault == "busy":
            self.send_header("Retry-After", self.server.retry_after)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


if __name__ == "__main__":
    # A shell starts what it puts into the background with Ctrl-C ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=8790)
    provider = Provider(options.parse_args().port, log=True)
    try:
        print(f"Mail provider running on http://127.0.0.1:{provider.server_port}", flush=True)
        provider.serve_forever()
    except KeyboardInterrupt:
        pass
