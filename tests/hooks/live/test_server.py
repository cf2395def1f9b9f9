"""The live layer of `mkdocs serve`: only this server's own pages reach an example, and nothing else than the example."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

from hooks.live import server as live
from hooks.publish import headers
from runtime import toolchain
from tests.support.patience import PATIENCE_S, until

PAGE = "the plain server"
ASKED, RELEASED = threading.Event(), threading.Event()
OTHERS = ("http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1", "http://localhost.evil.example")


class Known(live.Examples):
    """Stands in for the process that starts examples: these tests are about what reaches them."""

    def __init__(self, urls: dict[str, str]) -> None:
        super().__init__(("false",))
        self.urls, self.started = urls, list[str]()

    def names(self) -> list[str]:
        return list(self.urls)

    def address(self, slug: str, afresh: bool = False) -> str:
        if slug not in self.urls:
            raise live.Refused(404, "unknown_example", "There is no example with this name.")
        self.started.append(slug)
        return self.urls[slug]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def served(app: Callable[..., Any]) -> Iterator[int]:
    with make_server("127.0.0.1", 0, app, _Server, _Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def plain(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/html")])
    return [PAGE.encode()]


def example(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """An example that tells what reached it."""
    path = environ["PATH_INFO"]
    if path == "/slow":
        ASKED.set()
        RELEASED.wait(PATIENCE_S)
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length) if length else b""
    if path == "/big":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"x" * 200_000]
    if path == "/binary":
        start_response("200 OK", [("Content-Type", "image/png")])
        return [b"\x89PNG\xff\xfe\x00"]
    if path == "/moved":
        start_response("302 Found", [("Location", "http://example.com/"), ("Set-Cookie", "a=1")])
        return [b""]
    seen = {
        k: v
        for k, v in environ.items()
        if k.startswith("HTTP_") or k in ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE")
    }
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({**seen, "body": body.decode()}).encode()]


@pytest.fixture(scope="module")
def layer() -> Iterator[tuple[int, Known]]:
    with served(example) as inner:
        known = Known({"global-api-kv": f"http://127.0.0.1:{inner}", "image-pipeline": f"http://127.0.0.1:{inner}"})
        apps: list[live.Live] = []

        def later(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
            return apps[0](environ, start_response)

        with served(later) as port:
            apps.append(live.Live(plain, port, "/", known, {"wrangler": "1", "workerd": "2"}))
            yield port, known


def call(
    port: int, method: str, path: str, body: bytes | str = b"", **headers: str | None
) -> tuple[int, Any, dict[str, str]]:
    own = {"Host": f"127.0.0.1:{port}", "Origin": f"http://127.0.0.1:{port}", "Content-Type": "application/json"}
    sent = {**own, **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    connection.request(method, path, body or None, {k: v for k, v in sent.items() if v is not None})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    found = {k.lower(): v for k, v in answer.getheaders()}
    return answer.status, json.loads(data) if "json" in found.get("content-type", "") else data.decode(), found


def send(port: int, slug: str = "global-api-kv", **request: Any) -> tuple[int, Any]:
    return call(port, "POST", f"/live/{slug}", json.dumps(request))[:2]


def test_the_status_names_runtime_and_examples(layer: tuple[int, Known]):
    status, found, headers = call(layer[0], "GET", "/live/status", Content_Type=None)
    assert (status, found["live"], found["where"], found["runtime"]) == (
        200,
        True,
        "local",
        {"wrangler": "1", "workerd": "2"},
    )
    assert "global-api-kv" in found["examples"]
    assert headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers


def test_everything_else_is_the_plain_servers(layer: tuple[int, Known]):
    for path in ("/", "/patterns/", "/alive/status", "/live"):
        assert call(layer[0], "GET", path)[1] == PAGE


def test_a_request_arrives_as_the_page_wrote_it(layer: tuple[int, Known]):
    headers = [["X-A", "b"], ["Host", "shop.example"], ["Cookie", "a=1"], ["", "Authorization: Bearer t"]]
    status, reply = send(layer[0], method="PUT", url="http://localhost:8787/v1/a?b=c", headers=headers, body="ü")
    seen = json.loads(reply["body"])
    assert (status, reply["status"], reply["truncated"]) == (200, 200, False)
    assert reply["ms"] >= 0
    assert (seen["REQUEST_METHOD"], seen["PATH_INFO"], seen["QUERY_STRING"], seen["body"]) == (
        "PUT",
        "/v1/a",
        "b=c",
        "ü",
    )
    assert (seen["HTTP_X_A"], seen["HTTP_HOST"], seen["HTTP_COOKIE"], seen["HTTP_AUTHORIZATION"]) == (
        "b",
        "shop.example",
        "a=1",
        "Bearer t",
    )
    assert "HTTP_ORIGIN" not in seen


def test_a_redirect_and_its_cookies_are_shown_and_not_followed(layer: tuple[int, Known]):
    reply = call(layer[0], "POST", "/live/global-api-kv", json.dumps({"url": "/moved"}))
    assert (reply[1]["status"], ["Location", "http://example.com/"] in reply[1]["headers"]) == (302, True)
    assert "set-cookie" not in reply[2]


def test_a_large_answer_is_cut_and_a_picture_is_only_counted(layer: tuple[int, Known]):
    _, large = send(layer[0], url="/big")
    assert (len(large["body"]), large["truncated"]) == (live.ANSWER_LIMIT_BYTES, True)
    _, picture = send(layer[0], url="/binary")
    assert (picture["body"], picture["bytes"], picture["truncated"]) == ("", 7, False)


@pytest.mark.parametrize("origin", [*OTHERS, None])
def test_a_page_of_another_site_starts_nothing(layer: tuple[int, Known], origin: str | None):
    port, known = layer
    before = len(known.started)
    status, answer, _ = call(port, "POST", "/live/global-api-kv", "{}", Origin=origin)
    assert (status, answer["error"]["code"]) == (403, "other_site")
    assert len(known.started) == before


@pytest.mark.parametrize("origin", OTHERS)
def test_another_site_does_not_even_learn_that_a_runtime_is_here(layer: tuple[int, Known], origin: str):
    assert call(layer[0], "GET", "/live/status", Origin=origin)[0] == 403
    assert call(layer[0], "GET", "/live/status", Origin=None, Sec_Fetch_Site="cross-site")[0] == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example", ""]
)
def test_a_name_that_was_rebound_to_this_machine_is_refused(layer: tuple[int, Known], host: str):
    assert call(layer[0], "GET", "/live/status", Host=host, Origin=None)[0] == 403
    assert call(layer[0], "POST", "/live/global-api-kv", "{}", Host=host, Origin=f"http://{host}")[0] == 403


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/json2"]
)
def test_what_a_form_of_another_site_can_send_is_refused(layer: tuple[int, Known], kind: str):
    assert call(layer[0], "POST", "/live/global-api-kv", "{}", Content_Type=kind)[0] == 415


def test_a_request_that_is_too_large_or_has_no_length_is_refused(layer: tuple[int, Known]):
    port = layer[0]
    assert call(port, "POST", "/live/global-api-kv", "x" * (live.BODY_LIMIT_BYTES + 1))[0] == 413
    assert call(port, "POST", "/live/global-api-kv", "{}", Content_Length="-1")[0] == 411
    assert call(port, "POST", "/live/global-api-kv", "", Content_Length=None)[0] in (400, 411)


@pytest.mark.parametrize(
    "url",
    [
        "http://evil.example/",
        "//evil.example/",
        "https://localhost:8787/",
        "http://localhost:8787@evil.example/",
        "http://localhost:87870/",
        "http://localhost:8788/",
        "http://127.0.0.1:1/",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "/a b",
        "/a\r\nX: y",
        "/a\nGET / HTTP/1.1",
        "",
        "a",
        "/\u00e9",
        "/\x00",
    ],
)
def test_only_the_examples_own_address_is_reached(layer: tuple[int, Known], url: str):
    status, answer = send(layer[0], url=url)
    assert (status, answer["error"]["code"]) == (400, "other_address")


@pytest.mark.parametrize(
    "headers",
    [
        [["A", "b\r\nC: d"]],
        [["A\r\nB", "c"]],
        [["A", "b\nc"]],
        [["A", "\x00"]],
        [["A", "b\x85c"]],
        [["A", "b\u2028c"]],
        [["A b", "c"]],
        [["", "no colon"]],
        [["A", "x" * 9000]],
        [["A", "b"]] * 65,
        [["A"]],
        ["A"],
        "A: b",
        [["A", 1]],
        {"A": "b"},
    ],
)
def test_a_header_cannot_smuggle_a_second_request(layer: tuple[int, Known], headers: object):
    status, answer = send(layer[0], url="/", headers=headers)
    assert (status, answer["error"]["code"]) == (400, "bad_headers")


def test_the_length_of_the_body_is_ours_to_say(layer: tuple[int, Known]):
    headers = [["Content-Length", "0"], ["Transfer-Encoding", "chunked"]]
    _, reply = send(layer[0], method="POST", url="/", headers=headers, body="0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n")
    assert json.loads(reply["body"])["body"].endswith("GET /smuggled HTTP/1.1\r\n\r\n")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("nonsense", "not_json"),
        ("[]", "bad_request"),
        ('{"method":"CONNECT"}', "bad_method"),
        ('{"method":"get"}', "bad_method"),
        ('{"method":1}', "bad_method"),
        ('{"url":1}', "bad_request"),
        ('{"body":{}}', "bad_request"),
        ('{"afresh":"yes"}', "bad_request"),
        ('{"command":["ls"]}', "bad_command"),
        ("[" * 20000, "not_json"),
    ],
)
def test_a_request_of_the_wrong_shape_is_refused(layer: tuple[int, Known], body: str, code: str):
    status, answer, _ = call(layer[0], "POST", "/live/global-api-kv", body)
    assert (status, answer["error"]["code"]) == (400, code)


@pytest.mark.parametrize("slug", ["nothing", "..%2f..", "global-api-kv/", "status/x", ""])
def test_an_unknown_example_is_refused(layer: tuple[int, Known], slug: str):
    assert send(layer[0], slug)[0] == 404


def test_other_methods_are_refused(layer: tuple[int, Known]):
    assert call(layer[0], "GET", "/live/global-api-kv", Origin=None)[0] == 405
    assert call(layer[0], "POST", "/live/status", "{}")[0] == 405
    assert call(layer[0], "OPTIONS", "/live/global-api-kv")[0] == 405


def confirmed(port: int, slug: str, **request: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Send what runs a command, say yes to what is shown, and return the question and the answer."""
    asked = send(port, slug, **request)[1]
    return asked, send(port, slug, **request, token=asked["token"])[1]


def test_a_command_runs_once_after_it_was_shown_and_nothing_else_does(
    layer: tuple[int, Known], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    port, known = layer
    ran: list[str] = []
    monkeypatch.setattr(live.Own, "bash", lambda self, command, url: ran.append(command) or "printed")
    [command, other] = list(live.Own()._known("realtime-durable-objects")[0])[:2]
    known.urls["realtime-durable-objects"] = known.urls["global-api-kv"]
    before = len(known.started)
    asked = send(port, "realtime-durable-objects", command=command)[1]
    assert asked.keys() == {"confirm", "token"} and asked["confirm"] == [command]
    assert (ran, len(known.started)) == ([], before), "a question starts nothing"
    for wrong in (
        {"command": other, "token": asked["token"]},
        {"command": command, "token": "guessed"},
        {"command": command},
    ):
        assert "confirm" in send(port, "realtime-durable-objects", **wrong)[1]
        assert "confirm" in send(port, "realtime-durable-objects", command=command, token=asked["token"])[1], (
            "asked anew"
        )
    assert ran == []
    _, answer = confirmed(port, "realtime-durable-objects", command=command)
    assert (answer["output"], ran) == ("printed", [command])
    asked, _ = confirmed(port, "realtime-durable-objects", command=command)
    assert "confirm" in send(port, "realtime-durable-objects", command=command, token=asked["token"])[1], "once"
    del known.urls["realtime-durable-objects"]


def test_what_stands_inside_a_curl_line_is_a_command_too(layer: tuple[int, Known], monkeypatch: pytest.MonkeyPatch):
    ran: list[str] = []
    monkeypatch.setattr(live.Own, "bash", lambda self, command, url: ran.append(command) or "printed")
    inner = sorted(live.Own()._known("image-pipeline")[1])[0]
    for where in ({"url": f"/{inner}"}, {"headers": [["X", inner]]}, {"body": inner}):
        ran.clear()
        assert send(layer[0], "image-pipeline", **where)[1]["confirm"] == [inner] and ran == []
        seen = json.loads(confirmed(layer[0], "image-pipeline", **where)[1]["body"])
        assert "printed" in (seen["PATH_INFO"] + seen.get("HTTP_X", "") + seen["body"]) and ran == [
            f'printf %s "{inner}"'
        ]


def test_a_command_that_starts_a_server_is_none_for_a_button(layer: tuple[int, Known]):
    port, known = layer
    known.urls["tunnel-access"] = known.urls["global-api-kv"]
    command = "uv run python snippets/tunnel-access/origin/app.py --local-team"
    assert send(port, "tunnel-access", command=command) == (
        403,
        {"error": {"code": "unknown_command", "message": "Only commands that stand on the page are run."}},
    )
    del known.urls["tunnel-access"]


def test_what_is_not_sent_is_named(layer: tuple[int, Known]):
    headers = [["Content-Length", "1"], ["transfer-encoding", "chunked"], ["Host", "shop.example"]]
    _, reply = send(layer[0], method="GET", url="/", headers=headers, body="of a GET")
    seen = json.loads(reply["body"])
    assert reply["removed"] == ["Content-Length", "transfer-encoding"]
    assert (seen["HTTP_HOST"], seen["body"]) == ("shop.example", "of a GET")


RELOAD = re.compile(r"reload\(\d+\)")
PAGE_OF_MKDOCS = "<body><script>reload(%d)</script></body>"


@pytest.mark.parametrize(
    ("page", "allowed"),
    [
        (PAGE_OF_MKDOCS % 12, ["reload(12)"]),
        (PAGE_OF_MKDOCS % 34, ["reload(34)"]),
        ("<script>evil()</script>" + PAGE_OF_MKDOCS % 1, ["reload(1)"]),
        ("<p>no script</p>", []),
    ],
)
def test_a_page_of_the_server_has_the_policy_of_the_hosted_site(tmp_path: Path, page: str, allowed: list[str]):
    (tmp_path / headers.NAME).write_text(
        headers.text({"/*": {headers.CSP: headers.policy({"ours()"}), **headers.FIXED}})
    )

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        return [page.encode()]

    said: list[Any] = []
    guarded = live.Guarded(app, tmp_path, RELOAD)
    for _ in range(2):  # the second answer comes while a build writes the headers anew
        assert b"".join(guarded({}, lambda *given: said.extend(given))) == page.encode()
        policy = dict(said[-1])[headers.CSP]
        scripts = policy.partition("script-src ")[2].partition(";")[0].split()
        assert set(scripts) == {"'self'", *map(headers.digest, ["ours()", *allowed])}
        assert "unsafe" not in policy and dict(said[-1])["X-Content-Type-Options"] == "nosniff"
        (tmp_path / headers.NAME).unlink(missing_ok=True)


def test_only_commands_and_files_of_the_pages_are_run_and_read(layer: tuple[int, Known]):
    port = layer[0]
    for command in ("id", "uv run python -c 'print(1)'", "curl http://localhost:8787/"):
        status, answer = send(port, "image-pipeline", command=command)
        assert (status, answer["error"]["code"]) == (403, "unknown_command")
    for name in ("/etc/passwd", "../x", "README.md/../pyproject.toml", "pyproject.toml"):
        assert send(port, "image-pipeline", method="PUT", file=name)[0] == 403
    status, reply = send(
        port,
        "image-pipeline",
        method="PUT",
        file="snippets/image-pipeline/sample.jpg",
        headers=[["X", "$(id)"]],
        url="/binary",
    )
    assert (status, reply["bytes"]) == (200, 7)
    # A file of one example is none of another.
    assert send(port, "global-api-kv", method="PUT", file="snippets/image-pipeline/sample.jpg")[0] == 403
    assert json.loads(send(port, "image-pipeline", headers=[["X", "$(id)"]])[1]["body"])["HTTP_X"] == "$(id)"


def test_a_slow_example_holds_up_nobody_and_is_given_up(layer: tuple[int, Known], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(live, "ANSWER_S", 2 * PATIENCE_S)
    done: list[tuple[int, Any]] = []
    waiting = threading.Thread(target=lambda: done.append(send(layer[0], url="/slow")))
    waiting.start()
    assert ASKED.wait(PATIENCE_S)
    assert call(layer[0], "GET", "/live/status", Content_Type=None)[0] == 200
    assert not done
    monkeypatch.setattr(live, "ANSWER_S", 1)
    status, answer = send(layer[0], url="/slow")
    assert (status, answer["error"]["code"]) == (504, "no_answer") and not done
    RELEASED.set()
    waiting.join()
    assert done[0][0] == 200


def test_a_half_sent_request_holds_up_nobody(layer: tuple[int, Known]):
    port = layer[0]
    with socket.create_connection(("127.0.0.1", port)) as half:
        own = f"Host: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: 100"
        half.sendall(f"POST /live/global-api-kv HTTP/1.1\r\n{own}\r\n\r\n{{".encode())
        assert call(port, "GET", "/live/status", Content_Type=None)[0] == 200
        half.shutdown(socket.SHUT_WR)
        assert b"cut_off" in b"".join(iter(lambda: half.recv(4096), b""))


def test_a_site_under_a_path_has_its_live_layer_there():
    known = Known({})
    layer = live.Live(plain, 80, "/2026-11-24/", known, {})
    answers: list[str] = []
    environ = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1:80"}
    for path in ("/2026-11-24/live/status", "/live/status"):
        layer({**environ, "PATH_INFO": path}, lambda status, headers: answers.append(dict(headers)["Content-Type"]))
    assert answers == ["application/json", "text/html"]


def test_another_machine_is_refused():
    layer = live.Live(plain, 80, "/", Known({}), {})
    environ = {
        "REQUEST_METHOD": "GET",
        "REMOTE_ADDR": "192.0.2.1",
        "HTTP_HOST": "127.0.0.1:80",
        "PATH_INFO": "/live/status",
    }
    assert b"other_site" in b"".join(layer(environ, lambda status, headers: None))


def test_a_runtime_that_does_not_start_means_no_runtime():
    examples = live.Examples((sys.executable, "-c", "raise SystemExit(1)"))
    assert examples.names() == []
    with pytest.raises(live.Refused, match="does not start"):
        examples.address("global-api-kv")
    examples.close()


def test_an_old_toolchain_counts_as_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert toolchain.installed()
    monkeypatch.setattr(toolchain, "NODE_MODULES", tmp_path)
    assert not toolchain.installed()
    (tmp_path / ".installed-from").write_text("another lock")
    assert not toolchain.installed()


STARTER = """
import sys, time
from hooks.live.server import Examples
examples = Examples()
print(examples.address("background-queues"), flush=True)
time.sleep(600)
"""


def processes(mark: str) -> list[int]:
    """Return the processes whose environment holds the mark, children of children included."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


@pytest.mark.skipif(
    not Path("/proc/self/environ").is_file(), reason="finds processes in /proc, which this system does not have"
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_the_server_is_killed(number: signal.Signals):
    mark = f"LIVE_TEST_MARK=live-{os.getpid()}-{number}"
    name, _, value = mark.partition("=")
    server = subprocess.Popen(
        [sys.executable, "-c", STARTER],
        cwd=toolchain.ROOT,
        env={**os.environ, name: value},
        stdout=subprocess.PIPE,
        text=True,
    )
    with server:
        url = server.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        assert len(processes(mark)) >= 5, "server, keeper, Node, workerd, the mail provider"
        server.send_signal(number)
        server.wait(PATIENCE_S)
    until(lambda: processes(mark), lambda found: found == [], "the end of all that it started")
