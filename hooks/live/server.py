"""Answer `live/…` of `mkdocs serve`: send a page's request to the page's own example, and to nothing else.

The example runs on this machine with the reader's rights, so a page of another site must not reach it: the address, the
Host, the Origin and the content type are checked before anything starts. A page's own commands come from whoever wrote the
page: bash gets one only after the reader saw it and said yes. ``Guarded`` keeps scripts of a page from saying so.
"""

import contextlib
import http.client
import json
import logging
import re
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hooks.page.figures import DRAFT_URI
from hooks.publish import headers
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
        self._command, self._lock = command, threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self.known: list[str] = []

    def address(self, slug: str, afresh: bool = False) -> str:
        """Return where an example answers, started if need be."""
        with self._lock:
            self._begin()
            if slug not in self.known:
                raise Refused(404, "unknown_example", "There is no example with this name.")
            answer = self._reply({"slug": slug, "afresh": afresh})
        if "url" not in answer:
            log.warning("live: %s does not start: %s", slug, answer.get("error"))
            raise Refused(503, "not_started", "The example does not start. The terminal of mkdocs serve says why.")
        return str(answer["url"])

    def names(self) -> list[str]:
        """Return the examples that can run; empty when the toolchain does not start."""
        with self._lock, contextlib.suppress(Refused):
            self._begin()
            return self.known
        return []

    def close(self) -> None:
        """End everything."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._process:
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close() if pipe else None
            self._process.wait(END_S)
        self._process = None

    def _begin(self) -> None:
        if self._process and self._process.poll() is None:
            return
        self._end()
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(self._command, cwd=ROOT, encoding="utf-8", start_new_session=True, **pipes)
        self.known = self._reply()["examples"]

    def _reply(self, request: dict[str, Any] | None = None) -> dict[str, Any]:
        line = ""
        if self._process and self._process.stdin and self._process.stdout:
            with contextlib.suppress(OSError):
                if request:
                    print(json.dumps(request), file=self._process.stdin, flush=True)
                line = self._process.stdout.readline()
        if not line:
            self._end()
            raise Refused(503, "not_started", "The runtime does not start. The terminal of mkdocs serve says why.")
        return dict(json.loads(line))


class Own:
    """What stands in the pages' own transcripts, and may therefore be run or read here: nothing else may."""

    def _known(self, slug: str) -> tuple[set[str], set[str], set[str]]:
        """Return the commands, the substitutions and the files of an example's transcripts."""
        commands: set[str] = set()
        inner: set[str] = set()
        files: set[str] = set()
        for path in sorted((ROOT / "docs").rglob("*.md")):
            for example, found in transcripts(path.read_text(encoding="utf-8"), path.name, path.stem):
                for command in found if example == slug else ():
                    inner.update(substitutions(command.text))
                    if command.button and not command.text.startswith("curl "):
                        commands.add(one_line(command.text))
                    with contextlib.suppress(Unsendable):
                        files.update(r["file"] for r in requests(command.text) if "file" in r)
        return commands, inner, files

    def commands(self, slug: str, wanted: dict[str, Any]) -> list[str]:
        """Return what bash would run for a request: a command of the page, or each ``$(…)`` of the page that stands in it."""
        commands, inner, _ = self._known(slug)
        if "command" in wanted:
            if wanted["command"] not in commands:
                raise Refused(403, "unknown_command", "Only commands that stand on the page are run.")
            return [wanted["command"]]
        texts = [wanted["url"], wanted["body"], *(value for _, value in wanted["headers"])]
        return sorted(known for known in inner if any(known in text for text in texts))

    def file(self, slug: str, name: str) -> bytes:
        """Return a file that a transcript sends."""
        if name not in self._known(slug)[2]:
            raise Refused(403, "unknown_file", "Only files that stand on the page are sent.")
        return (ROOT / name).read_bytes()

    def bash(self, command: str, url: str) -> str:
        """Run a command and return what it prints."""
        text = command.replace(ADDRESS, url).replace("uv run python", f"'{sys.executable}'")
        try:
            done = subprocess.run(
                ["bash", "-c", text],
                cwd=ROOT,
                capture_output=True,
                encoding="utf-8",
                timeout=ANSWER_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Refused(504, "too_slow", f"The command took more than {ANSWER_S} seconds.") from error
        return (done.stdout + done.stderr).replace("\r\n", "\n").replace(url, ADDRESS)


def envelope(data: bytes) -> dict[str, Any]:
    """Return the request that a page wants to send."""
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
    if [type(made[name]) for name in ("url", "body", "file", "afresh")] != [str, str, str, bool]:
        raise Refused(400, "bad_request", "Address, body and file are texts.")
    pairs = made["headers"] if isinstance(made["headers"], list) else [None]
    if len(pairs) > HEADERS_LIMIT or any(not isinstance(p, list) or [*map(type, p)] != [str, str] for p in pairs):
        raise Refused(400, "bad_headers", f"Headers are a list of at most {HEADERS_LIMIT} pairs of name and value.")
    return made


def target(url: str, own: str) -> str:
    """Return path and query of an address, which must be the example's, as the page writes it or as it really is."""
    for start in (ADDRESS, ADDRESS.replace("localhost", "127.0.0.1"), own):
        if url == start or url.startswith((f"{start}/", f"{start}?")):
            url = url.removeprefix(start)
            url = url if url.startswith("/") else f"/{url}"
            break
    if url.startswith("//") or not TARGET.fullmatch(url):
        raise Refused(400, "other_address", "A request goes to a path of this page's example.")
    return url


def header(name: str, value: str) -> tuple[str, str]:
    """Return one header; with an empty name, the value is a whole header line."""
    if not name and value:
        name, _, value = value.partition(":")
    name, value = name.strip(), value.strip()
    if not TOKEN.fullmatch(name) or not PRINTABLE.fullmatch(value) or len(value.encode()) > HEADER_LIMIT_BYTES:
        raise Refused(400, "bad_headers", "A header has a name and a value of one line.")
    return name, value


def forward(address: str, method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> dict[str, Any]:
    """Send one request to an example and return its answer, as the page shows it."""
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
        message = f"The example did not answer within {ANSWER_S} seconds, or broke off."
        raise Refused(504, "no_answer", message) from error
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
    """The live layer around the server of `mkdocs serve`, whose site stands under ``mount``."""

    def __init__(self, app: App, port: int, mount: str, examples: Examples, runtime: dict[str, str]) -> None:
        self._app, self._mount, self._examples, self._runtime = app, mount, examples, runtime
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        self._own = Own()
        self._asked: object = None

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
            message = "The live layer failed. The terminal says why."
            status, answer = 500, {"error": {"code": "internal", "message": message}}
        body = json.dumps(answer).encode()
        said = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Cache-Control": "no-store"}
        start_response(f"{status} {http.client.responses.get(status, 'Error')}", list(said.items()))
        return [body]

    def _answer(self, environ: dict[str, Any], name: str) -> dict[str, Any]:
        method = environ["REQUEST_METHOD"]
        self._check_caller(environ, method)
        if name == "status":
            if method != "GET":
                raise Refused(405, "bad_method", "Ask with GET.")
            known = {"runtime": self._runtime, "examples": self._examples.names()}
            return {"live": bool(known["examples"]), "where": "local", "repository": True, **known}
        if method != "POST":
            raise Refused(405, "bad_method", "Send with POST.")
        wanted = envelope(self._body(environ))
        commands = self._own.commands(name, wanted)
        if commands:
            # One question is open at a time, and its answer counts once: what runs is what the reader saw last.
            asked, self._asked = self._asked, None
            if asked is None or asked != (wanted.get("token"), name, commands):
                token = secrets.token_urlsafe()
                self._asked = token, name, commands
                return {"confirm": commands, "token": token}
        url = self._examples.address(name, wanted.get("afresh") is True)
        if "command" in wanted:
            started = time.monotonic()
            output = self._own.bash(wanted["command"], url)
            return {"output": output, "ms": round((time.monotonic() - started) * 1000)}
        values = {command: self._own.bash(f'printf %s "{command}"', url) for command in commands}

        def computed(text: str) -> str:
            for command, printed in values.items():
                text = text.replace(command, printed)
            return text

        path = target(computed(wanted["url"]), url)
        sent = [header(each, computed(value)) for each, value in wanted["headers"]]
        body = self._own.file(name, wanted["file"]) if wanted["file"] else computed(wanted["body"]).encode()
        removed = [each for each, _ in sent if each.lower() in OURS]
        # The page tells the path in the diagram by the address that was really asked for.
        return {**forward(url, wanted["method"], path, sent, body), "path": path, "removed": removed}

    def _check_caller(self, environ: dict[str, Any], method: str) -> None:
        here = environ.get("REMOTE_ADDR") in ("127.0.0.1", "::1") and environ.get("HTTP_HOST") in self._hosts
        same = environ.get("HTTP_SEC_FETCH_SITE") in (None, "same-origin")
        origin = environ.get("HTTP_ORIGIN")
        if not here or not same or ((method == "POST" or origin) and origin != f"http://{environ['HTTP_HOST']}"):
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


class Guarded:
    """Answer with the policy of the hosted site, so that a page can do here what it can do there, and no more.

    ``reload`` is the script that MkDocs puts into each page, with other numbers in each answer.
    """

    def __init__(self, app: App, site: Path, reload: re.Pattern[str]) -> None:
        self._app, self._site, self._reload = app, site, reload
        self._policy = "default-src 'none'"

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        said: list[Any] = []

        def start(*given: Any) -> None:
            said.extend(given)

        body = self._app(environ, start)
        with contextlib.suppress(OSError):  # while a build writes it anew, the last one counts
            rules = headers.parse((self._site / headers.NAME).read_text(encoding="utf-8"))
            self._policy = rules["/*"][headers.CSP]
        policy = self._policy
        if dict(said[1]).get("Content-Type", "").startswith("text/html"):
            body = [b"".join(body)]
            page = body[0].decode(errors="replace")
            policy = headers.allow(policy, set(self._reload.findall(page)))
            if DRAFT_URI in page:  # Mermaid draws with styles of its own
                policy = policy.replace("style-src", "style-src 'unsafe-inline'")
        start_response(said[0], list({**headers.FIXED, headers.CSP: policy, **dict(said[1])}.items()))
        return body


running: list[Examples] = []  # here, because this module outlives an edit of our code
