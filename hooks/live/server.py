"""Answer `live/…` of `mkdocs serve`: send a page's request to the page's own example, and to nothing else.

The example runs on this machine with the reader's rights, so a page of another site must not reach it: the address, the
Host, the Origin and the content type are checked before anything starts.
"""

import contextlib
import http.client
import json
import logging
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from model.files import ROOT
from model.transcripts.commands import transcripts
from model.transcripts.curl import ADDRESS, Unsendable, one_line, requests, substitutions

BODY_LIMIT_BYTES = ANSWER_LIMIT_BYTES = 64 * 1024
HEADERS_LIMIT = 64
HEADER_LIMIT_BYTES = 8 * 1024
ANSWER_S, END_S = 20, 30
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
PRINTABLE = re.compile(r"[\t\x20-\x7e\xa0-\u2027\u202a-\U0010ffff]*")
TARGET = re.compile(r"/(?:[\x21-\x7e][\x21-\x7e]*)?")
# Set by the connection itself, so that nobody smuggles a second request into it.
OURS = {"content-length", "transfer-encoding"}

log = logging.getLogger("mkdocs.live")
App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Refused(Exception):
    """A request that the live layer does not pass on."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Examples:
    """The process that keeps examples running, started with the first request."""

    def __init__(self, command: tuple[str, ...] = (sys.executable, "-m", "hooks.live.keeper")) -> None:
        self._command = command
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self.known: list[str] = []

    def address(self, slug: str, afresh: bool = False) -> str:
        """Return where an example answers, started if need be.

        Raises:
            Refused: there is no such example, or it does not start.
        """
        with self._lock:
            self._begin()
            if slug not in self.known:
                raise Refused(404, "unknown_example", "There is no example with this name.")
            answer = self._ask({"slug": slug, "afresh": afresh})
        if "url" not in answer:
            log.warning("live: %s does not start: %s", slug, answer.get("error"))
            raise Refused(503, "not_started", "The example does not start. The terminal of mkdocs serve says why.")
        return str(answer["url"])

    def names(self) -> list[str]:
        """Return the examples that can run; empty when the toolchain does not start."""
        with self._lock:
            try:
                self._begin()
            except Refused:
                return []
            return self.known

    def close(self) -> None:
        """End everything."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if not self._process:
            return
        requests, replies = self._pipes()
        with contextlib.suppress(OSError):
            requests.close()
        self._process.wait(END_S)
        replies.close()
        self._process = None

    def _begin(self) -> None:
        if self._process and self._process.poll() is None:
            return
        self._end()
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )
        try:
            self.known = self._read().get("examples", [])
        except Refused:
            self._end()
            raise

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        if not self._process or not self._process.stdin or not self._process.stdout:
            raise Refused(503, "not_started", "The runtime does not run.")
        return self._process.stdin, self._process.stdout

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            requests, _ = self._pipes()
            requests.write(json.dumps(request) + "\n")
            requests.flush()
        except OSError as error:
            raise Refused(503, "not_started", "The runtime ended. Send it again.") from error
        return self._read()

    def _read(self) -> dict[str, Any]:
        _, replies = self._pipes()
        line = replies.readline()
        if not line:
            raise Refused(503, "not_started", "The runtime does not start. The terminal of mkdocs serve says why.")
        return dict(json.loads(line))


class Own:
    """What stands in the pages' own transcripts, and may therefore be run or read here: nothing else may."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._values: dict[tuple[str, str], tuple[float, str]] = {}

    def _known(self, slug: str) -> tuple[set[str], set[str], set[str]]:
        """Return the commands, the substitutions and the files of an example's transcripts."""
        commands: set[str] = set()
        inner: set[str] = set()
        files: set[str] = set()
        for path in sorted((self._root / "docs").rglob("*.md")):
            for example, found in transcripts(path.read_text(encoding="utf-8"), path.name, path.stem):
                for command in found if example == slug else ():
                    inner.update(substitutions(command.text))
                    if command.runs and "uv run python" in command.text and not command.text.startswith("curl"):
                        commands.add(one_line(command.text))
                    if command.text.startswith("curl"):
                        try:
                            files.update(r["file"] for r in requests(command.text) if "file" in r)
                        except Unsendable:
                            continue
        return commands, inner, files

    def run(self, slug: str, command: str, url: str) -> str:
        """Run a command of a transcript and return what it prints."""
        if command not in self._known(slug)[0]:
            raise Refused(403, "unknown_command", "Only commands that stand on the page are run.")
        return self._bash(command, url)

    def computed(self, slug: str, text: str, url: str) -> str:
        """Return a text with every known ``$(…)`` replaced by what it prints."""
        if "$(" not in text:
            return text
        for known in self._known(slug)[1]:
            if known in text:
                text = text.replace(known, self._bash(f'printf %s "{known}"', url))
        return text

    def file(self, slug: str, name: str) -> bytes:
        """Return a file that a transcript sends."""
        if name not in self._known(slug)[2]:
            raise Refused(403, "unknown_file", "Only files that stand on the page are sent.")
        return (self._root / name).read_bytes()

    def _bash(self, command: str, url: str) -> str:
        text = command.replace(ADDRESS, url).replace("uv run python", f"'{sys.executable}'")
        try:
            done = subprocess.run(
                ["bash", "-c", text],
                cwd=self._root,
                capture_output=True,
                encoding="utf-8",
                timeout=ANSWER_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Refused(504, "too_slow", f"The command took more than {ANSWER_S} seconds.") from error
        return (done.stdout + done.stderr).replace("\r\n", "\n").replace(url, ADDRESS)


def envelope(data: bytes) -> dict[str, Any]:
    """Return the request that a page wants to send.

    Raises:
        Refused: it is not one.
    """
    try:
        wanted = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "not_json", "The request is not JSON.") from error
    if not isinstance(wanted, dict):
        raise Refused(400, "bad_request", "The request is not a JSON object.")
    if "command" in wanted:
        if not isinstance(wanted["command"], str):
            raise Refused(400, "bad_command", "A command is a text.")
        return wanted
    made = {"method": "GET", "url": "/", "headers": [], "body": "", "file": "", "afresh": False, **wanted}
    if made["method"] not in METHODS:
        raise Refused(400, "bad_method", f"The method is one of {', '.join(sorted(METHODS))}.")
    if not isinstance(made["afresh"], bool) or not all(isinstance(made[name], str) for name in ("url", "body", "file")):
        raise Refused(400, "bad_request", "Address, body and file are texts.")
    headers = made["headers"]
    if not isinstance(headers, list) or len(headers) > HEADERS_LIMIT:
        raise Refused(400, "bad_headers", f"Headers are a list of at most {HEADERS_LIMIT} pairs.")
    if not all(isinstance(h, list) and len(h) == 2 and all(isinstance(part, str) for part in h) for h in headers):
        raise Refused(400, "bad_headers", "Each header is a pair of name and value.")
    return made


def target(url: str, own: str) -> str:
    """Return path and query of an address, which must be the example's.

    Args:
        url: a path, or an address as the page writes it.
        own: where the example answers.

    Raises:
        Refused: the address leads elsewhere.
    """
    for start in (ADDRESS, ADDRESS.replace("localhost", "127.0.0.1"), own):
        if url == start or url.startswith((f"{start}/", f"{start}?")):
            url = url.removeprefix(start)
            url = url if url.startswith("/") else f"/{url}"
            break
    if url.startswith("//") or not TARGET.fullmatch(url):
        raise Refused(400, "other_address", "A request goes to a path of this page's example.")
    return url


def header(name: str, value: str) -> tuple[str, str]:
    """Return one header; with an empty name, the value is a whole header line.

    Raises:
        Refused: it would end the header section, or it is too long.
    """
    if not name and value:
        name, _, value = value.partition(":")
    name, value = name.strip(), value.strip()
    if not TOKEN.fullmatch(name) or not PRINTABLE.fullmatch(value) or len(value.encode()) > HEADER_LIMIT_BYTES:
        raise Refused(400, "bad_headers", "A header has a name and a value of one line.")
    return name, value


def forward(address: str, method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> dict[str, Any]:
    """Send one request to an example and return its answer, as the page shows it.

    Raises:
        Refused: it does not answer in time.
    """
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=ANSWER_S)
    names = {name.lower() for name, _ in headers}
    started = time.monotonic()
    try:
        connection.putrequest(method, path, skip_host="host" in names, skip_accept_encoding=True)
        for name, value in headers:
            if name.lower() not in OURS:
                connection.putheader(name, value.encode("utf-8"))
        if "accept" not in names:
            connection.putheader("Accept", "*/*")
        if body or method in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        answer = connection.getresponse()
        content, truncated = (b"", False) if answer.status == 101 else _content(answer, started + ANSWER_S)
    except (OSError, http.client.HTTPException) as error:
        raise Refused(
            504, "no_answer", f"The example did not answer within {ANSWER_S} seconds, or broke off."
        ) from error
    finally:
        connection.close()
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode(errors="ignore") if truncated and b"\0" not in content else ""
    return {
        "status": answer.status,
        "status_text": answer.reason,
        "headers": [list(pair) for pair in answer.getheaders()],
        "body": text.replace(address, ADDRESS),
        "bytes": len(content),
        "truncated": truncated,
        "ms": round((time.monotonic() - started) * 1000),
    }


def _content(answer: http.client.HTTPResponse, deadline: float) -> tuple[bytes, bool]:
    """Read a body until its end, the limit or the deadline; say whether something is missing."""
    content = b""
    while len(content) <= ANSWER_LIMIT_BYTES and time.monotonic() < deadline:
        try:
            part = answer.read1(ANSWER_LIMIT_BYTES)
        except TimeoutError:
            break
        if not part:
            return content, False
        content += part
    return content[:ANSWER_LIMIT_BYTES], True


class Live:
    """The live layer around the server of `mkdocs serve`.

    Args:
        app: what answers everything else.
        port: the server's.
        mount: the path under which the site stands.
        examples: starts them.
        runtime: the versions that a page shows.
    """

    def __init__(
        self, app: App, port: int, mount: str, examples: Examples, runtime: dict[str, str], own: Own | None = None
    ) -> None:
        self._app, self._mount, self._examples, self._runtime = app, mount, examples, runtime
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        self._own = own or Own()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        if not path.startswith(f"{self._mount}live/"):
            return self._app(environ, start_response)
        status, answer = 200, {}
        try:
            answer = self._answer(environ, path.removeprefix(f"{self._mount}live/"))
        except Refused as refused:
            status, answer = refused.status, {"error": {"code": refused.code, "message": str(refused)}}
        except Exception:
            log.exception("live: an error of our own")
            status, answer = (
                500,
                {"error": {"code": "internal", "message": "The live layer failed. The terminal says why."}},
            )
        body = json.dumps(answer).encode()
        start_response(
            f"{status} {http.client.responses.get(status, 'Error')}",
            [
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
                ("Cache-Control", "no-store"),
                ("X-Content-Type-Options", "nosniff"),
                ("Cross-Origin-Resource-Policy", "same-origin"),
            ],
        )
        return [body]

    def _answer(self, environ: dict[str, Any], name: str) -> dict[str, Any]:
        method = environ["REQUEST_METHOD"]
        self._check_caller(environ, method)
        if name == "status":
            if method != "GET":
                raise Refused(405, "bad_method", "Ask with GET.")
            names = self._examples.names()
            return {
                "live": bool(names),
                "where": "local",
                "runtime": self._runtime,
                "examples": names,
                "repository": True,
            }
        if method != "POST":
            raise Refused(405, "bad_method", "Send with POST.")
        wanted = envelope(self._body(environ))
        url = self._examples.address(name, wanted.get("afresh") is True)
        if "command" in wanted:
            started = time.monotonic()
            output = self._own.run(name, wanted["command"], url)
            return {"output": output, "ms": round((time.monotonic() - started) * 1000)}
        path = target(self._own.computed(name, wanted["url"], url), url)
        headers = [header(each, self._own.computed(name, value, url)) for each, value in wanted["headers"]]
        body = (
            self._own.file(name, wanted["file"])
            if wanted["file"]
            else self._own.computed(name, wanted["body"], url).encode()
        )
        # The page tells the path in the diagram by the address that was really asked for.
        return {**forward(url, wanted["method"], path, headers, body), "path": path}

    def _check_caller(self, environ: dict[str, Any], method: str) -> None:
        if environ.get("REMOTE_ADDR") not in ("127.0.0.1", "::1") or environ.get("HTTP_HOST") not in self._hosts:
            raise Refused(403, "other_site", "Live requests come from the pages of this server only.")
        same = environ.get("HTTP_SEC_FETCH_SITE") in (None, "same-origin")
        origin = environ.get("HTTP_ORIGIN")
        if not same or (origin != f"http://{environ['HTTP_HOST']}" if method == "POST" or origin else False):
            raise Refused(403, "other_site", "Live requests come from the pages of this server only.")

    def _body(self, environ: dict[str, Any]) -> bytes:
        if environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() != "application/json":
            raise Refused(415, "not_json", "Send JSON.")
        length = environ.get("CONTENT_LENGTH") or ""
        if not length.isascii() or not length.isdigit():
            raise Refused(411, "no_length", "Say how long the request is.")
        if int(length) > BODY_LIMIT_BYTES:
            raise Refused(413, "too_large", f"A request has at most {BODY_LIMIT_BYTES // 1024} KB.")
        data = environ["wsgi.input"].read(int(length))
        if len(data) != int(length):
            raise Refused(400, "cut_off", "The request is shorter than it says.")
        return bytes(data)


_examples: list[Examples] = []


def attach(server: Any, port: int, mount: str, runtime: dict[str, str]) -> None:
    """Put the live layer before what a server of `mkdocs serve` answers."""
    _examples.append(Examples())
    server.set_app(Live(server.get_app(), port, mount, _examples[-1], runtime))
    log.info("Live requests are on: the buttons beside the transcripts start the examples on this machine.")


def detach() -> None:
    """End what the live layer started."""
    while _examples:
        _examples.pop().close()
