"""A stand-in for the part of the REST API that keeps a Zero Trust list: strict about what the SDK's types allow."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PATH = "/accounts/acc/gateway/lists/list-1"
PAGE = 50


class Lists:
    """What the stand-in holds and what it was asked.

    Attributes:
        values: the domains of the list.
        calls: method and path of every request.
        fail: status of the next answers, oldest first; 0 closes the connection.
        fail_patch: number of the change, from 1, that is refused with status 403.
        most: how many domains the list takes.
        longest: how many it held at most.
    """

    def __init__(self) -> None:
        self.values: list[str] = []
        self.calls: list[str] = []
        self.fail: list[int] = []
        self.fail_patch = 0
        self.most, self.longest = 1000, 0
        self.url = ""


@contextmanager
def lists_api() -> Iterator[Lists]:
    """Serve a list on a free port of 127.0.0.1."""
    state = Lists()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self._refused() or urlsplit(self.path).path != f"{PATH}/items":
                self._answer(404, None)
                return
            page = int(parse_qs(urlsplit(self.path).query).get("page", ["1"])[0])
            items = [{"value": v} for v in state.values[(page - 1) * PAGE : page * PAGE]]
            self._answer(
                200, items, {"page": page, "per_page": PAGE, "count": len(items), "total_count": len(state.values)}
            )

        def do_PATCH(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self._refused() or self.path != PATH:
                self._answer(404, None)
                return
            if sum(call.startswith("PATCH") for call in state.calls) == state.fail_patch:
                self._answer(403, None)
                return
            right = body.keys() <= {"append", "remove"} and all(
                i.keys() <= {"value", "description"} for i in body.get("append", [])
            )
            if not right or not all(isinstance(v, str) for v in body.get("remove", [])):
                self._answer(400, None)
                return
            new = [i["value"] for i in body.get("append", []) if i["value"] not in state.values]
            # Whether a call that appends and removes counts before or after is not documented: the strict way.
            if len(state.values) + len(new) > state.most:
                self._answer(400, None)
                return
            state.longest = max(state.longest, len(state.values) + len(new))
            state.values = [v for v in state.values + new if v not in body.get("remove", [])]
            self._answer(200, {"id": "list-1"})

        def _refused(self) -> bool:
            state.calls.append(f"{self.command} {urlsplit(self.path).path.removeprefix(PATH) or '/'}")
            if self.headers.get("Authorization") != "Bearer token":
                self._answer(401, None)
                raise ConnectionAbortedError
            if state.fail:
                status = state.fail.pop(0)
                if status:
                    self._answer(status, None)
                raise ConnectionAbortedError
            return False

        def _answer(self, status: int, result: object, info: dict | None = None) -> None:
            data = json.dumps(
                {"success": status == 200, "errors": [], "messages": [], "result": result, "result_info": info or {}}
            ).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionAbortedError:
                self.close_connection = True

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
