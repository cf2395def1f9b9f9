"""A stand-in for the part of the REST API that sets up a zone: stateful, and strict about what the SDK's types allow."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

RECORD_KEYS = {"name", "type", "content", "proxied", "ttl", "comment"}
RULE_KEYS = {
    "id",
    "ref",
    "version",
    "description",
    "enabled",
    "expression",
    "action",
    "action_parameters",
    "ratelimit",
    "last_updated",
}


class Zone:
    """What the zone holds and what it was asked.

    Attributes:
        changes: method and path of every request that changes something.
        fail_change: number of the change, from 1, that is refused, with which status.
        fail_all: status of every answer, when set.
    """

    def __init__(self) -> None:
        self.settings = {"ssl": "full", "min_tls_version": "1.0"}
        self.records: list[dict[str, Any]] = []
        self.rules: dict[str, list[dict[str, Any]]] = {}
        self.certificates: list[str] = []
        self.lock = False
        self.ips: dict[str, list[str]] = {"ipv4_cidrs": [], "ipv6_cidrs": []}
        self.changes: list[str] = []
        self.fail_change: tuple[int, int] = (0, 0)
        self.fail_all = 0
        self.url = ""

    def get(self, path: str) -> Any:
        if path == "/ips":
            return self.ips
        if m := re.fullmatch(r"/zones/z/settings/(\w+)", path):
            return {"id": m[1], "value": self.settings[m[1]]}
        if path == "/zones/z/dns_records":
            return self.records
        if m := re.fullmatch(r"/zones/z/rulesets/phases/(\w+)/entrypoint", path):
            return (
                {"id": "r", "kind": "zone", "name": "default", "phase": m[1], "rules": self.rules[m[1]]}
                if m[1] in self.rules
                else None
            )
        if path == "/zones/z/origin_tls_client_auth":
            return [{"id": str(i), "certificate": c} for i, c in enumerate(self.certificates)]
        return {"enabled": self.lock} if path == "/zones/z/origin_tls_client_auth/settings" else None

    def change(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """Make a change, or return None when its body is not what the API takes."""
        if (method, path[:18]) == ("PATCH", "/zones/z/settings/") and body.keys() == {"value"}:
            self.settings[path[18:]] = body["value"]
            return {"id": path[18:], "value": body["value"]}
        if (method, path) == ("POST", "/zones/z/origin_tls_client_auth") and body.keys() == {
            "certificate",
            "private_key",
        }:
            self.certificates.append(body["certificate"])
            return {"id": "c"}
        if (method, path) == ("PUT", "/zones/z/origin_tls_client_auth/settings") and body == {"enabled": True}:
            self.lock = True
            return {"enabled": True}
        if (
            method == "PUT"
            and (m := re.fullmatch(r"/zones/z/rulesets/phases/(\w+)/entrypoint", path))
            and body.keys() == {"rules"}
            and all(rule.keys() <= RULE_KEYS for rule in body["rules"])
        ):
            self.rules[m[1]] = [
                {"id": f"id{i}", "version": "1", "enabled": True, **rule} for i, rule in enumerate(body["rules"])
            ]
            return {"id": "r", "kind": "zone", "name": "default", "phase": m[1], "rules": self.rules[m[1]]}
        if method == "POST" and path == "/zones/z/dns_records" and body.keys() == RECORD_KEYS:
            self.records.append({"id": f"rec{len(self.records)}", **body})
            return self.records[-1]
        if (
            method == "PATCH"
            and (m := re.fullmatch(r"/zones/z/dns_records/(\w+)", path))
            and body.keys() == RECORD_KEYS
        ):
            record = next(r for r in self.records if r["id"] == m[1])
            record.update(body)
            return record
        return None


@contextmanager
def zone_api() -> Iterator[Zone]:
    """Serve a zone on a free port of 127.0.0.1."""
    zone = Zone()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            found = zone.get(path)
            # A list has one page here; the SDK asks for the next one until it is empty.
            self._answer(
                zone.fail_all, [] if isinstance(found, list) and re.search(r"\bpage=(?!1\b)", query) else found, 404
            )

        def _change(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            zone.changes.append(f"{self.command} {self.path}")
            status = zone.fail_change[1] if len(zone.changes) == zone.fail_change[0] else 0
            self._answer(status, None if status else zone.change(self.command, self.path, body), 400)

        do_POST = do_PUT = do_PATCH = do_DELETE = _change

        def _answer(self, status: int, result: Any, otherwise: int) -> None:
            if self.path != "/ips" and self.headers.get("Authorization") != "Bearer token":
                status = 401
            status = status or (otherwise if result is None else 200)
            info = (
                {"page": 1, "per_page": 100, "count": 1, "total_count": 1, "total_pages": 1}
                if isinstance(result, list)
                else {}
            )
            data = json.dumps(
                {"success": status == 200, "errors": [], "messages": [], "result": result, "result_info": info}
            ).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    zone.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield zone
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
