"""Start the live layer as it is deployed, and speak to it as a page and as an attacker would."""

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from runtime import toolchain
from runtime.workers import Example, Runtime, configs

LIVE = toolchain.ROOT / "hosting" / "live"
HOSTED = sorted(p.name for p in (LIVE / "examples").iterdir() if p.is_dir())
KEY = "a-key-for-the-tests-0123456789abcdef"
COOKIE = "__Host-live"
STRANGER = Path(__file__).with_name("stranger")
FLOOD = Path(__file__).with_name("flood")


@contextmanager
def live(runtime: Runtime, *more: Path, **options: Any) -> Iterator[Example]:
    """Start `live` with every hosted example behind its service binding."""
    folders = [LIVE, *(LIVE / "examples" / slug for slug in HOSTED), *more]
    with runtime.example(*folders, **{"secrets": {"VISITOR_KEY": KEY}, **options}) as example:
        yield example


@contextmanager
def flooded(runtime: Runtime) -> Iterator[Example]:
    """The same, with a Worker in front that can send thousands of requests from beside it."""
    folders = [FLOOD, LIVE, *(LIVE / "examples" / slug for slug in HOSTED)]
    with runtime.example(*folders, others={"live": {"secrets": {"VISITOR_KEY": KEY}}}) as example:
        yield example


class Visitor:
    """A browser on one address: it keeps the cookie of the live layer.

    Attributes:
        cookie: the value of that cookie; empty before the first call.
        id: the visitor's number in it.
    """

    def __init__(self, example: Example, address: str, cookie: str = "") -> None:
        self._example, self.address, self.cookie = example, address, cookie

    @property
    def id(self) -> str:
        return self.cookie.partition(".")[0]

    def headers(self, **more: str) -> dict[str, str]:
        own = {"Origin": self._example.url, "Sec-Fetch-Site": "same-origin", "CF-Connecting-IP": self.address}
        return {
            **own,
            "Content-Type": "application/json",
            **({"Cookie": f"{COOKIE}={self.cookie}"} if self.cookie else {}),
            **more,
        }

    def post(self, slug: str, content: Any, **headers: str) -> httpx.Response:
        """Send a body as it is, or anything else as JSON."""
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        response = self._example.http.post(f"/live/{slug}", content=raw, headers=self.headers(**headers))
        if found := re.match(rf"{COOKIE}=([^;]+);", response.headers.get("Set-Cookie", "")):
            self.cookie = found[1]
        return response

    def call(
        self, slug: str, method: str, url: str, headers: dict[str, str] | None = None, body: str = ""
    ) -> dict[str, Any]:
        """Send one request to an example and return its answer."""
        asked = {"method": method, "url": url, "headers": list((headers or {}).items()), "body": body}
        response = self.post(slug, asked)
        assert response.status_code == 200, response.text
        return response.json()

    def forget(self, slug: str) -> int:
        return self._example.http.delete(f"/live/{slug}", headers=self.headers()).status_code


@contextmanager
def as_a_server(visitor: Visitor, slug: str) -> Iterator[str]:
    """Serve HTTP on an address of its own and send each request through the live layer: so the real curl can speak to it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65_537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            if "100-continue" in self.headers.get("Expect", ""):
                self.send_response_only(100)
                self.end_headers()
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            answer = visitor.call(slug, self.command, self.path, dict(self.headers), body)
            self.send_response_only(answer["status"], answer["status_text"])
            content = answer["body"].encode()
            # workerd puts what describes the body first.
            if answer["status"] not in (204, 304):
                self.send_header("Content-Length", str(len(content)))
            for name, value in sorted(answer["headers"], key=lambda pair: not pair[0].startswith("Content-")):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def typecheck(runtime: Runtime, config: Path) -> str:
    """Run ``tsc`` over a Worker of the live layer, with the bindings of its own and, for a hosted example, of the example."""
    date = "2026-10-01 []"
    content = runtime.ask("types", config=[str(config)], date=date)["content"]
    if config.parent.parent.name == "examples":
        theirs = configs(config.parent.name)
        path = str(config.with_name("worker-configuration.d.ts"))
        env = runtime.ask("types", config=[str(c) for c in theirs], date=date, path=path)["env"]
        # The main module is ours; from the example come the bindings that we give it.
        content = re.sub(r"interface GlobalProps \{.*?\n\t\}", "", env, flags=re.S) + content
    config.with_name("worker-configuration.d.ts").write_text(content)
    tsc = toolchain.NODE_MODULES / "typescript" / "bin" / "tsc"
    done = subprocess.run(
        [toolchain.node(), tsc, "--noEmit", "--pretty", "false", "-p", config.parent],
        cwd=toolchain.ROOT,
        env=toolchain.node_env(),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr
