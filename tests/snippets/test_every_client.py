"""Every Python program of an example that carries a secret: where it sends it, and what it makes of strange answers."""

import asyncio
import importlib.util
import io
import json
import os
import re
import runpy
import socketserver
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace

import httpx
import pytest
import yaml
from websockets.sync.server import ServerConnection, serve

from runtime.workers import SNIPPETS
from tests.support.canned import ENDLESS, Canned, serving

SECRET = "secret-0123456789-0123456789-0123456789"
NETWORK = re.compile(
    r"^(?:import|from) (?:boto3|cloudflare|httpx|requests|urllib\.request|http\.client|websockets|careful|api)\b", re.M
)
SHARED = {"address", "answers", "api", "careful", "once"}
PROXIES = {name: "" for word in ("http", "https", "all", "no") for name in (f"{word}_proxy", f"{word}_proxy".upper())}


@dataclass(frozen=True)
class Program:
    """How to call it; ``{url}`` is the address of the API, ``{file}`` a file to send, ``{folder}`` its folder."""

    arguments: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    prints_all: bool = False  # whatever comes is shown, as curl does
    reads_no_body: bool = False  # a handshake: the library for WebSockets neither unpacks nor reads on


PROGRAMS = {
    "background-queues/client/submit.py": Program(
        ["ana@example.com", "Hello", "Text"], {"JOBS_URL": "{url}", "JOBS_KEY": SECRET}
    ),
    "edge-ai-rag/client/load.py": Program(["{folder}", "fjord"], {"ANSWERS_URL": "{url}", "ADMIN_TOKEN": SECRET}),
    "multi-tenant-platform/client/deploy.py": Program(["{url}", "acme", "{file}"], {"TOKEN": SECRET}, True),
    "private-machine-api/client/call.py": Program(
        ["GET", "/v1/orders"], {"API_URL": "{url}", "API_KEY_ID": "shop-backend", "API_KEY": SECRET}, True
    ),
    "proxy-website/refresh_ranges.py": Program(
        [],
        {
            "CLOUDFLARE_BASE_URL": "{url}",
            "CLOUDFLARE_API_TOKEN": SECRET,
            "CLOUDFLARE_API_KEY": SECRET,
            "CLOUDFLARE_EMAIL": "ana@example.com",
            "CLOUDFLARE_API_USER_SERVICE_KEY": SECRET,
        },
    ),
    "proxy-website/setup_zone.py": Program(
        ["zone", "--certificate", "{file}", "--key", "{file}", "--yes"],
        {"CLOUDFLARE_BASE_URL": "{url}", "CLOUDFLARE_API_TOKEN": SECRET},
    ),
    "r2-uploads/client/multipart.py": Program(
        ["{url}", "ana", "{file}"],
        {"S3_ENDPOINT": "{url}", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": SECRET},
    ),
    "r2-uploads/client/newest.py": Program(["{url}", "ana"]),
    "r2-uploads/client/upload.py": Program(["{url}", "ana", "{file}"]),
    "realtime-durable-objects/client.py": Program(["{url}", "lobby", "ana"], reads_no_body=True),
    "secure-egress/blocklist.py": Program(
        ["{feed}", "--own", "example.com", "--list", "list", "--account", "account"],
        {"CLOUDFLARE_BASE_URL": "{url}", "CLOUDFLARE_API_TOKEN": SECRET},
    ),
}
OTHERS = {
    "private-machine-api/client/mtls.py": "no program; test_private_machine_api_client.py",
    "private-machine-api/client/own_address.py": "no program; what the others there share",
    "private-machine-api/client/service_token.py": "no program; test_private_machine_api_client.py",
    "private-machine-api/client/sign.py": "no program; test_private_machine_api_client.py",
    "proxy-website/try_origin.py": "speaks to its own server on this machine",
    "tunnel-access/origin/app.py": "reads public keys and carries no secret",
}
PAGE = b"<!doctype html><title>Attention Required!</title><h1>Sorry, you have been blocked</h1>"
HTML = {"Content-Type": "text/html; charset=UTF-8"}
each_program = pytest.mark.parametrize("name", PROGRAMS)


def main(path: Path) -> subprocess.CompletedProcess[str]:
    """Run a program as Python does with a file, here: a process of its own reads the large libraries anew each time."""
    code, said, erred, known = 0, io.StringIO(), io.StringIO(), set(sys.modules)
    sys.path.insert(0, str(path.parent))
    with redirect_stdout(said), redirect_stderr(erred):
        try:
            runpy.run_path(str(path), run_name="__main__")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
            if isinstance(end.code, str):
                print(end.code, file=sys.stderr)
        except Exception:  # noqa: BLE001 - as Python itself does
            traceback.print_exc()
            code = 1
        finally:
            sys.path.remove(str(path.parent))
            for name in set(sys.modules) - known:
                if str(SNIPPETS) in (getattr(sys.modules[name], "__file__", None) or ""):
                    del sys.modules[name]
    return subprocess.CompletedProcess([path], code, said.getvalue(), erred.getvalue())


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a program against an address, without a proxy where none is given."""
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    (tmp_path / "text.md").write_text("# Text\n", encoding="utf-8")
    (tmp_path / "feed.txt").write_text("bad.example\n", encoding="utf-8")

    def start(name: str, url: str, **environment: str) -> subprocess.CompletedProcess[str]:
        program = PROGRAMS[name]
        file = "text.md" if "multi-tenant" in name or "proxy" in name else "photo.png"
        places = {"url": url, "file": tmp_path / file, "folder": tmp_path, "feed": tmp_path / "feed.txt"}
        given = {k: v.format(**places) for k, v in program.environment.items()}
        arguments = [part.format(**places) for part in program.arguments]
        with monkeypatch.context() as patch:
            for key, value in {**PROXIES, **given, **environment}.items():
                patch.delenv(key, raising=False) if value is None else patch.setenv(key, value)
            patch.setattr(sys, "argv", [name, *arguments])
            return main(SNIPPETS / name)

    return start


def expect_words(done: subprocess.CompletedProcess[str]) -> None:
    """A reader sees a sentence, no stack, and never the secret."""
    assert "Traceback" not in done.stderr, done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert done.stdout + done.stderr


def test_no_client_is_missing_here():
    found = {
        str(path.relative_to(SNIPPETS))
        for path in SNIPPETS.rglob("*.py")
        if "node_modules" not in path.parts
        and path.stem not in SHARED
        and NETWORK.search(path.read_text(encoding="utf-8"))
    }
    assert found == {*PROGRAMS, *OTHERS}


@pytest.mark.parametrize("name", sorted(SHARED))
def test_the_copies_of_a_shared_file_are_equal(name):
    """Each example is complete in itself, so it has its own copy."""
    copies = [path for path in SNIPPETS.rglob(f"{name}.py") if "node_modules" not in path.parts]
    assert len(copies) >= 2 and len({path.read_bytes() for path in copies}) == 1


@each_program
def test_a_secret_is_never_sent_in_clear(run, name):
    """192.0.2.1 belongs to nobody: only a program that tried to reach it would say anything else."""
    done = run(name, "http://192.0.2.1")
    expect_words(done)
    assert done.returncode == 1 and "http://192.0.2.1 is not encrypted: use https://" in done.stderr
    done = run(name, f"http://u:{SECRET}@192.0.2.1/?signature={SECRET}")
    expect_words(done)
    assert done.returncode == 1 and "http://192.0.2.1 is not encrypted: use https://" in done.stderr


@each_program
@pytest.mark.parametrize(
    "url",
    [
        *("https://[x", "https://a:b", "https://a:99999", "https://a.example\n.other", "https://a.example/\x7f"),
        *("https://", "https:///path", "https://.", "https://a..b", "https://exa mple", "https://-a.example"),
        *("https://xn--/", f"https://{'a' * 64}.example", f"https://{'a.' * 127}b", "https://exa%20mple"),
        *("https://\u2603.example", "https://b\u00fccher.example", "https://exa\u200bmple", "https://[::1%25\x1b]"),
        f"https://u:{SECRET}@exa mple/?signature={SECRET}",
    ],
    ids=ascii,
)
def test_what_is_no_address_is_said_in_one_line_with_what_to_write(run, name, url):
    done = run(name, url)
    expect_words(done)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert "write it like https://example.com" in done.stderr and done.stderr.strip().isprintable()
    assert "exa mple" not in url or "'exa mple'" in done.stderr


@pytest.mark.parametrize("name", [n for n, program in PROGRAMS.items() if n != "realtime-durable-objects/client.py"])
def test_a_name_that_the_library_cannot_decode_is_said_in_one_line(run, clock, name):
    """An emoji, which DNS takes and httpx does not."""
    done = run(name, "https://xn--ls8h.invalid")
    expect_words(done)
    assert done.returncode != 0 and len(done.stderr.splitlines()) == 1


SECRETS = {
    name: key for name, p in PROGRAMS.items() for key in [k for k, v in p.environment.items() if v == SECRET][-1:]
}


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("more", ["\u00e9", " ", "\n", "\nHost: other.example", "\x1b[2J"], ids=ascii)
def test_a_secret_that_no_header_takes_is_told_in_words_and_not_shown(run, name, more):
    with serving(Canned(403)) as (url, _):
        done = run(name, url, **{SECRETS[name]: SECRET + more})
    expect_words(done)
    assert done.returncode != 0 or name == "private-machine-api/client/call.py"


@pytest.mark.parametrize(
    "name", [name for name in SECRETS if not name.endswith(("load.py", "multipart.py", "ranges.py"))]
)
@pytest.mark.parametrize("missing", ["", None])
def test_a_secret_that_is_missing_is_named(run, monkeypatch, name, missing):
    monkeypatch.delenv(SECRETS[name], raising=False)
    with serving(Canned(403)) as (url, asked):
        done = run(name, url, **{SECRETS[name]: missing})
    expect_words(done)
    assert done.returncode == 1 and f"set {SECRETS[name]}" in done.stderr and asked == []


@each_program
@pytest.mark.parametrize("status", [302, 307])
def test_no_client_follows_a_redirect(run, name, status):
    with (
        serving(Canned(200)) as (elsewhere, stolen),
        serving(Canned(status, {"Location": f"{elsewhere}/login"})) as (url, asked),
    ):
        done = run(name, url)
    assert asked and stolen == []
    expect_words(done)
    assert done.returncode != 0


@each_program
@pytest.mark.parametrize("status", [200, 403])
def test_a_page_of_a_firewall_or_a_login_is_told_in_words_and_is_no_success(run, name, status):
    with serving(Canned(status, HTML, PAGE)) as (url, _):
        done = run(name, url)
    expect_words(done)
    assert (str(status) in done.stdout) if PROGRAMS[name].prints_all else done.returncode != 0
    assert PROGRAMS[name].prints_all or str(status) in done.stderr


@pytest.mark.parametrize("name", [name for name, program in PROGRAMS.items() if not program.reads_no_body])
@pytest.mark.parametrize(("answer", "says"), ENDLESS, ids=["long", "no length", "packed twice", "a packed error"])
def test_no_client_unpacks_an_answer_or_reads_without_an_end(run, name, answer, says):
    with serving(answer) as (url, asked):
        done = run(name, url)
    expect_words(done)
    assert done.returncode != 0 and says in done.stderr
    assert {a.headers.get("Accept-Encoding") for a in asked} == {"identity"}


@pytest.fixture
def drip(monkeypatch) -> Iterator[Callable[[bytes, bytes], str]]:
    """A server that says the first, then the second again and again; the deadline passes at the tenth time."""
    late = threading.Event()

    class Deadline(threading.Thread):
        def __init__(self, _: float, end: Callable[[], None]) -> None:
            super().__init__(target=lambda: (late.wait(), end()), daemon=True)

        def cancel(self) -> None: ...

    class Slow(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65_536)
            with suppress(OSError):
                self.request.sendall(self.server.begins)
                for times in range(500):
                    if times == 10:
                        late.set()
                    self.request.sendall(self.server.goes_on)
                    time.sleep(0.01)

    monkeypatch.setattr("threading.Timer", Deadline)
    for known in ("careful", "own_address"):  # another file may have loaded them with the real one
        monkeypatch.delitem(sys.modules, known, raising=False)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Slow) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()

        def start(begins: bytes, goes_on: bytes) -> str:
            server.begins, server.goes_on = b"HTTP/1.1 " + begins, goes_on
            return f"http://127.0.0.1:{server.server_address[1]}"

        yield start
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", [name for name, program in PROGRAMS.items() if not program.reads_no_body])
@pytest.mark.parametrize(
    ("begins", "goes_on"),
    [
        (b"200 OK\r\nContent-Length: 900\r\n\r\n", b" "),
        (b"200 OK\r\nA: ", b"x"),
        (b"103 Early Hints\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        (b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
    ],
    ids=["body", "header", "early hints", "chunk extension"],
)
def test_an_answer_that_comes_byte_by_byte_is_given_up_as_a_whole(run, drip, name, begins, goes_on):
    done = run(name, drip(begins, goes_on))
    expect_words(done)
    assert done.returncode != 0 and "no whole answer in 60 s" in done.stderr


@each_program
@pytest.mark.parametrize("charset", ["zlib", "bz2", "idna", "punycode"])
def test_no_answer_chooses_how_its_text_is_decoded(run, name, charset):
    with serving(Canned(400, {"Content-Type": f"text/plain; charset={charset}"}, b"No.\xff")) as (url, _):
        done = run(name, url)
    expect_words(done)
    assert "400" in done.stdout + done.stderr


@pytest.mark.parametrize("name", [name for name, program in PROGRAMS.items() if not program.reads_no_body])
def test_who_cannot_be_reached_is_said_in_words(run, clock, name):
    with serving(Canned(200)) as (url, _):
        pass
    done = run(name, url)
    expect_words(done)
    assert done.returncode != 0


@each_program
@pytest.mark.parametrize(
    "part",
    [
        {"files": 7, "put": 7, "multipart": 7, "state": 7},
        {"files": [7], "put": {}, "multipart": {}},
        {"files": [{}], "put": {"url": 7, "headers": {}}, "multipart": {"bucket": 7, "key": "k", "owner": "ana"}},
        {"files": {"0": 1}, "put": {"url": "https://[x", "headers": {}}},
        {"files": None, "put": {"url": "http://127.0.0.1:1/", "headers": {"a": 7}}},
        {"files": "x", "put": {"url": "http://127.0.0.1:1/", "headers": {"a": "b\nc"}}},
    ],
    ids=range(6),
)
def test_an_answer_with_other_types_inside_is_said_in_words(run, name, part):
    with serving(Canned(200, body=json.dumps({"id": "7", **part}).encode())) as (url, _):
        done = run(name, url)
    expect_words(done)
    assert done.returncode != 0 or PROGRAMS[name].prints_all or name == "edge-ai-rag/client/load.py"


@pytest.mark.parametrize("name", [n for n, program in PROGRAMS.items() if "CLOUDFLARE_BASE_URL" in program.environment])
@pytest.mark.parametrize(
    "answer",
    [
        {"success": False, "result": {"id": "7", "rules": [], "ipv4_cidrs": []}},
        {"result": {"id": "7", "rules": []}},
        *({"success": True, "result": result} for result in (None, {}, "x", [7], [{}])),
    ],
    ids=json.dumps,
)
def test_what_the_api_calls_no_success_or_cannot_name_changes_nothing(run, name, answer):
    with serving(Canned(200, body=json.dumps(answer).encode())) as (url, asked):
        done = run(name, url)
    expect_words(done)
    assert done.returncode != 0 and {a.method for a in asked} == {"GET"}


def test_a_list_that_repeats_itself_is_not_read_without_an_end(run):
    page = {"success": True, "result": [{"value": "a.example"}], "result_info": {"page": 1, "per_page": 1}}
    with serving(Canned(200, body=json.dumps(page).encode())) as (url, asked):
        done = run("secure-egress/blocklist.py", url)
    expect_words(done)
    assert done.returncode != 0 and "repeats itself" in done.stderr and len(asked) == 2


def test_a_server_that_speaks_no_tls_is_named_and_not_asked_for_ever():
    client = module("realtime-durable-objects/client.py")
    with serving(Canned(200)) as (url, _), pytest.raises(client.NotTheRoom, match="no TLS with this server"):
        asyncio.run(client.Client(url.replace("http:", "https:"), "lobby", "ana").run(follow=False))


@pytest.mark.parametrize("answer", [Canned(403, HTML, PAGE), Canned(502, {"Content-Encoding": "gzip"}, PAGE)])
def test_who_gives_up_on_a_job_says_its_key(run, answer):
    with serving(answer) as (url, _):
        assert re.search(r"\(key [0-9a-f-]{36}\)$", run("background-queues/client/submit.py", url).stderr.strip())


ACCEPTED = Canned(202, body=b'{"id": "7", "state": "queued"}')


@pytest.mark.parametrize(
    "answer", [Canned(401), Canned(403, HTML, PAGE), Canned(200, {"Content-Encoding": "gzip"}, PAGE)]
)
def test_who_loses_sight_of_an_accepted_job_says_its_key_too(run, answer):
    """Without it, the next run would be a second job."""
    with serving(ACCEPTED, answer) as (url, asked):
        done = run("background-queues/client/submit.py", url)
    assert [a.path for a in asked] == ["/v1/jobs", "/v1/jobs/7"]
    assert done.stderr.strip().endswith(f"(key {asked[0].headers['Idempotency-Key']})")


def test_who_is_stopped_by_ctrl_c_says_the_key_too(run, monkeypatch):
    def stop(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", stop)
    job = {"state": "queued", "attempts": 0, "error": None}
    with serving(ACCEPTED, Canned(200, {"Retry-After": "1"}, json.dumps(job).encode())) as (url, asked):
        done = run("background-queues/client/submit.py", url)
    assert done.returncode == 1 and done.stderr == f"Stopped. (key {asked[0].headers['Idempotency-Key']})\n"


SUBMIT, DEPLOY = "background-queues/client/submit.py", "multi-tenant-platform/client/deploy.py"


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        (SUBMIT, [], "usage: "),
        (SUBMIT, ["ana@example.com", "Hello"], "usage: "),
        (SUBMIT, ["ana@example.com", "Hello", "Text", "schl\u00fcssel"], "'Idempotency-Key' takes printable ASCII"),
        (SUBMIT, ["ana@example.com", "Hello", "Text", "a\nb"], "'Idempotency-Key' takes printable ASCII"),
        (SUBMIT, ["ana@example.com", "Hello", "\udcff"], "argument text: invalid utf8 value"),
        (DEPLOY, [], "usage: "),
        (DEPLOY, ["{url}", "acme"], "usage: "),
        (DEPLOY, ["{url}", "acme", "/nowhere/index.js"], "/nowhere/index.js"),
        (DEPLOY, ["{url}", "acme", "{folder}/photo.png"], "photo.png is no text in UTF-8"),
        (DEPLOY, ["{url}", "\udcff", "{file}"], "argument tenant: invalid utf8 value"),
    ],
)
def test_a_call_that_cannot_be_made_is_told_in_words(run, monkeypatch, name, arguments, says):
    monkeypatch.setitem(PROGRAMS, name, Program(arguments, PROGRAMS[name].environment))
    with serving(Canned(403)) as (url, asked):
        done = run(name, url)
    expect_words(done)
    assert done.returncode != 0 and says in done.stderr and asked == []


@pytest.mark.parametrize("part", ["--certificate", "--key"])
def test_a_certificate_in_binary_is_told_in_one_line_with_what_to_do(run, monkeypatch, tmp_path, part):
    (tmp_path / "client.der").write_bytes(b"\x30\x82\x03\xff\xfe\xe9")
    arguments = ["zone", "--certificate", "{file}", "--key", "{file}", "--yes"]
    arguments[arguments.index(part) + 1] = str(tmp_path / "client.der")
    monkeypatch.setitem(PROGRAMS, "proxy-website/setup_zone.py", Program(arguments, {"CLOUDFLARE_BASE_URL": "{url}"}))
    with serving(Canned(403)) as (url, asked):
        done = run("proxy-website/setup_zone.py", url, CLOUDFLARE_API_TOKEN=SECRET)
    expect_words(done)
    assert (done.returncode, len(done.stderr.splitlines()), asked) == (1, 1, [])
    assert "client.der" in done.stderr and "openssl" in done.stderr and "Nothing was changed" in done.stderr


@pytest.mark.parametrize(
    "said",
    ["\x1b]0;owned\x07No.", "No.\r\n201: ok", "No.\x9b2J", "\u202eNo.", "\ud800"],
    ids=ascii,
)
def test_no_answer_commands_the_terminal_or_writes_a_second_line(run, said):
    body = json.dumps({"error": {"code": "forbidden", "message": said}}).encode()
    for name in ("background-queues/client/submit.py", "edge-ai-rag/client/load.py", "r2-uploads/client/newest.py"):
        with serving(Canned(403, body=body)) as (url, _):
            done = run(name, url)
        expect_words(done)
        assert done.stderr.strip().isprintable() and done.stderr.startswith("403: "), name


@pytest.mark.parametrize("part", ["error", "state"])
def test_what_a_job_says_commands_no_terminal(run, clock, part):
    job = {"id": "7", "state": "dead", "attempts": 1, "error": None, part: "\x1b[2J\nstate: done"}
    with serving(Canned(200, body=json.dumps(job).encode())) as (url, _):
        done = run("background-queues/client/submit.py", url)
    assert done.stdout.strip().isprintable()


@pytest.mark.parametrize(
    "headers",
    [{"a": "\u00e9"}, {"\u00e9": "a"}, {"a b": "c"}, {"": "a"}, {"a:": "b"}, {"a": "b "}, {"a": "\x1b[2J"}],
    ids=ascii,
)
def test_a_signed_address_with_headers_that_cannot_be_sent_is_refused_at_once(run, clock, headers):
    with serving(Canned(403)) as (other, sent):
        body = {"id": "7", "put": {"url": f"{other}/x", "headers": headers}}
        with serving(Canned(201, body=json.dumps(body).encode())) as (url, _):
            done = run("r2-uploads/client/upload.py", url)
    expect_words(done)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and done.stderr.strip().isprintable()
    assert (sent, clock.slept) == ([], [])


def test_a_page_that_says_404_is_no_zone_without_rules(run):
    setting = Canned(200, body=b'{"success": true, "result": {"id": "ssl", "value": "strict"}}')
    settings = yaml.safe_load((SNIPPETS / "proxy-website" / "zone.yml").read_text())["settings"]
    with serving(*[setting] * len(settings), Canned(404, HTML, PAGE)) as (url, asked):
        done = run("proxy-website/setup_zone.py", url)
    expect_words(done)
    assert "404: " in done.stderr and "no answer of the API" in done.stderr and {a.method for a in asked} == {"GET"}


@each_program
def test_no_proxy_of_the_environment_reads_what_stays_on_this_machine(run, name):
    with serving(Canned(403)) as (proxy, carried), serving(Canned(403)) as (url, asked):
        done = run(name, url, **{key: proxy for key in PROXIES if "no" not in key.lower()})
    expect_words(done)
    assert asked and carried == []


@each_program
def test_an_id_from_an_answer_leads_to_no_other_path(run, name):
    evil = "../../admin?x="
    body = {"id": evil, "files": [{"id": evil}], "put": {}, "multipart": {}}
    with serving(Canned(200, body=json.dumps(body).encode())) as (url, asked):
        done = run(name, url)
    expect_words(done)
    assert asked and "admin" not in "".join(a.path for a in asked) + done.stdout * (not PROGRAMS[name].prints_all)


def test_a_file_whose_name_is_no_word_stays_one_segment_of_the_path(run, tmp_path):
    (tmp_path / "a%2fb?c#d.md").write_text("# Text\n", encoding="utf-8")
    with serving(Canned(202, body=b"{}")) as (url, asked):
        assert run("edge-ai-rag/client/load.py", url).returncode == 0
    assert {a.path for a in asked} == {"/v1/documents/fjord/a%252fb%3Fc%23d.md", "/v1/documents/fjord/text.md"}


def test_who_reads_public_addresses_shows_no_secret(run):
    with serving(Canned(403)) as (url, asked):
        run("proxy-website/refresh_ranges.py", url)
    assert asked and SECRET not in str(asked) and "ana@example.com" not in str(asked)


def test_no_example_reads_yaml_in_which_a_name_may_stand_twice(tmp_path):
    readers = [p for p in SNIPPETS.rglob("*.py") if "node_modules" not in p.parts and "yaml.safe_load" in p.read_text()]
    assert readers == []
    once = module("tunnel-access/once.py")
    file = tmp_path / "file.yml"
    file.write_text("a: {b: 1, c: 2}\nb: 1\n", encoding="utf-8")
    assert once.load(file) == {"a": {"b": 1, "c": 2}, "b": 1}
    file.write_text("a:\n  b: 1\n  b: 2\n", encoding="utf-8")
    with pytest.raises(once.Unreadable, match=r"^file\.yml:3: 'b' stands here twice$"):
        once.load(file)


STRANGE_YAML = {
    "a list as a mapping": b"- 1\n- !!map [x]\n",
    "a text as a mapping": b"\n- !!map x\n",
    "a set of a list": b"\n- !!set [x]\n",
    "pairs that are none": b"\n- !!pairs [x]\n",
    "a number that is none": b"\n- !!int x\n",
    "a number too long": b"\n- " + b"9" * 5000,
    "a day that is none": b"\n- 2027-02-30\n",
    "a time that is none": b"\n- !!timestamp x\n",
    "a yes that is none": b"\n- !!bool x\n",
    "a key that is a list": b"\n- ? [x]\n  : y\n",
    "a name twice": b"- {}\n- { a: 1, a: 2 }\n",
    "no end": b"\n- [x",
    "no character": b"\n- \x00",
    "a command of the terminal": b'\n- { "\\e[2J": 1, "\\e[2J": 2 }',
    "deep lists": b"[" * 3000,
    "deep mappings": b"".join(b" " * n + b"a:\n" for n in range(3000)),
    "no UTF-8": b"\n\xff",
}
YAML_READERS = ("sase-enterprise/check_inventory.py", "secure-egress/verdicts.py", "tunnel-access/ingress.py")


@pytest.mark.parametrize("name", YAML_READERS)
@pytest.mark.parametrize("what", STRANGE_YAML)
def test_a_file_that_is_no_plain_yaml_is_told_in_one_line(tmp_path, monkeypatch, name, what):
    (tmp_path / "file.yml").write_bytes(STRANGE_YAML[what])
    monkeypatch.setattr(sys, "argv", [name, str(tmp_path / "file.yml")])
    done = main(SNIPPETS / name)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert done.stderr.strip().isprintable() and (not STRANGE_YAML[what].startswith(b"\n") or "2: " in done.stderr)


def test_every_program_that_reads_such_a_file_is_tried():
    texts = {str(path.relative_to(SNIPPETS)): path.read_text() for path in SNIPPETS.glob("*/*.py")}
    readers = {name for name, text in texts.items() if re.search(r"^(?:import|from) once\b", text, re.M)}
    assert readers == {
        *YAML_READERS[1:],
        *(f"proxy-website/{n}.py" for n in ("setup_zone", "wanted")),
        *(f"sase-enterprise/{n}.py" for n in ("inventory", "stages")),
    }


def test_a_page_whose_callers_send_a_token_says_what_always_use_https_does_not_do():
    for page in (SNIPPETS.parent / "docs" / "patterns").glob("*.md"):
        text = page.read_text(encoding="utf-8")
        if re.search(r"Authorization: Bearer|client/session\.py|issue_token|X-Signature", text):
            assert "**Always Use HTTPS**" in text and "has travelled in clear" in " ".join(text.split()), page.name


# What an answer says


def module(name: str) -> ModuleType:
    """Load a program of an example with what it imports, without leaving either behind."""
    path, before = SNIPPETS / name, set(sys.modules)
    sys.path.insert(0, str(path.parent))
    try:
        spec = importlib.util.spec_from_file_location(f"client_{path.stem}", path)
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        return loaded
    finally:
        sys.path.remove(str(path.parent))
        for added in {*SHARED, "session", "upload", "issue_token"} & (set(sys.modules) - before):
            del sys.modules[added]


answers, address = (module(f"background-queues/client/{name}.py") for name in ("answers", "address"))


def http_date(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("0", 0, 0),
        ("120", 120, 120),
        (" 7 ", 7, 7),
        pytest.param(http_date(3600 * 24), 3600 * 23, 3600 * 24, id="in a day"),
        pytest.param(http_date(-3600), 0, 0, id="an hour ago"),
        *[
            (no_wish, 0, 0)
            for no_wish in [None, "", "soon", "-1", "1.5", "1e9", "²", "٣", "9" * 400, "NaN", "inf", "0x10", "1, 2"]
        ],
        ("Fri, 31 Dec 99999 23:59:59 GMT", 0, 0),
        ("Fri, 32 Dec 2027 23:59:59 GMT", 0, 0),
        ("Fri, 31 Dec 2027 23:59:59 +99999999999999999999", 0, 0),
    ],
)
def test_a_time_to_come_back_is_a_number_or_a_date_and_anything_else_is_no_wish(header, least, most):
    assert least <= answers.wish_s(header) <= most


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows has one time zone for all programs")
def test_a_date_without_a_zone_is_in_universal_time_wherever_the_machine_stands(monkeypatch):
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    try:
        monkeypatch.setenv("TZ", "America/New_York")
        time.tzset()
        for form in ("%a %b %d %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S -0000"):
            assert 23 * 3600 <= answers.wish_s(tomorrow.strftime(form)) <= 24 * 3600, form
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("status", range(200, 600))
def test_only_what_may_change_is_asked_again(status):
    assert answers.passing(status) == (status in (408, 425, 429) or status >= 500)


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (200, PAGE, "200: this is no answer of the API"),
        (200, b"", "200: "),
        (200, b"[]", "200: "),
        (200, b"null", "200: "),
        (200, b'{"other": 1}', "200: "),
        (200, b"\xff", "200: "),
        (200, b"[" * 100_000, "200: "),
        (302, b'{"id": "1"}', "302: "),
        (403, PAGE, "403: this is no answer of the API"),
        (403, b'{"error": "no"}', "403: this is no answer"),
        (403, b'{"error": {"code": "x"}}', "403: this is no answer"),
        (403, b'{"error": {"code": "forbidden", "message": "Not you."}}', "403: Not you."),
    ],
)
def test_what_is_no_answer_of_the_api_is_told_with_its_status(status, body, says):
    with pytest.raises(SystemExit, match=f"^{re.escape(says)}"):
        answers.read(status, body, "id")
    assert answers.read(201, b'{"id": "1"}', "id") == {"id": "1"}


@pytest.mark.parametrize("known", ["7", "a_B-9", "0190f5fe-7c00-7a00-8000-000000000000", "x" * 64])
def test_an_id_is_letters_digits_and_dashes(known):
    assert answers.known_id(known) == known


@pytest.mark.parametrize(
    "other", ["", "x" * 65, "..", "a/b", "a?b", "a#b", "a%2fb", "a b", "7\n", "é", "٣", 7, None, {}]
)
def test_nothing_else_is_an_id(other):
    with pytest.raises(SystemExit, match="is no id"):
        answers.known_id(other)


@pytest.mark.parametrize(
    "url", ["https://api.example.com", "http://localhost:8787", "http://127.0.0.1:1", "http://[::1]:1", "HTTPS://A.B"]
)
def test_a_token_may_go_to_an_encrypted_address_or_stay_on_this_machine(url):
    assert address.encrypted(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "http://localhost@api.example.com",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1:1@api.example.com",
        "http://0.0.0.0",
        "ws://api.example.com",
        "//api.example.com",
        "api.example.com",
        "",
    ],
)
def test_a_token_goes_to_no_other_address(url):
    with pytest.raises(SystemExit, match="not encrypted: use https"):
        address.encrypted(url)


# How long they wait


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("time.sleep", made.sleep)
    monkeypatch.setattr("time.monotonic", made.monotonic)
    return made


LOOPS = {
    "submit": lambda url, file: with_client(url, "submit", lambda c, m: m.submit(c, {}, "key")),
    "wait": lambda url, file: with_client(url, "submit", lambda c, m: m.wait(c, "7")),
    "load": lambda url, file: with_client(url, "load", lambda c, m: m.load(c, file.parent, "fjord")),
    "put": lambda url, file: module("r2-uploads/client/upload.py").put({"url": url, "headers": {}}, file),
}
FOLDERS = {"submit": "background-queues", "load": "edge-ai-rag"}
PATIENCE = {"submit": 30, "wait": 30, "load": 120, "put": 60}


def with_client(url: str, name: str, work: Callable[[httpx.Client, ModuleType], object]) -> object:
    with httpx.Client(base_url=url) as client:
        return work(client, module(f"{FOLDERS[name]}/client/{name}.py"))


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("wish", "sleeps"),
    [
        ("3600", 0),
        (http_date(3600), 0),
        ("999999999", 0),
        ("", None),
        ("soon", None),
        ("2", None),
        (http_date(-9), None),
    ],
    ids=["an hour", "a date in an hour", "years", "empty", "no number", "seconds", "a date in the past"],
)
def test_nobody_sleeps_longer_than_their_patience(clock, tmp_path, loop, status, wish, sleeps):
    file = tmp_path / "text.md"
    file.write_text("# Text\n", encoding="utf-8")
    with serving(Canned(status, {"Retry-After": wish})) as (url, asked), pytest.raises(SystemExit):
        LOOPS[loop](url, file)
    if sleeps == 0:
        assert (clock.slept, len(asked)) == ([], 1), "who is told to come back in an hour says so at once"
    else:
        assert len(asked) == len(clock.slept) + 1 > 1, "nobody sleeps after the last try"
        assert clock.now <= PATIENCE[loop] and all(pause >= (2 if wish == "2" else 0) for pause in clock.slept)


@pytest.mark.parametrize("loop", LOOPS)
def test_what_passes_is_asked_again_until_it_has(clock, tmp_path, loop):
    file = tmp_path / "text.md"
    file.write_text("# Text\n", encoding="utf-8")
    good = Canned(200, {"ETag": '"x"'}, b'{"id": "7", "state": "done", "attempts": 1, "error": null}')
    with serving(Canned(429, {"Retry-After": "1"}), Canned(None), Canned(408), Canned(503, HTML, PAGE), good) as (
        url,
        asked,
    ):
        LOOPS[loop](url, file)
    assert len(asked) > 4


def test_who_reads_when_to_come_back_is_tried_here():
    readers = {
        path.name
        for path in SNIPPETS.rglob("*.py")
        if re.search(r"^from answers import.*wish_s", path.read_text(), re.M)
    }
    assert readers == {"submit.py", "load.py", "upload.py", "client.py"}


def test_a_member_of_a_room_comes_back_when_the_room_says_so_and_not_before(monkeypatch):
    pauses = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    client = module("realtime-durable-objects/client.py")
    monkeypatch.setattr(client.asyncio, "sleep", sleep)
    monkeypatch.setattr(client.random, "uniform", lambda least, _: least)
    wishes = {"4": 4, "60": 60, http_date(-9): 0, "": 0, "soon": 0, "5\r\nRetry-After: 6": 0}
    busy = [Canned(status, {"Retry-After": wish}) for status in (408, 429, 503) for wish in wishes]
    with serving(*busy, Canned(403, HTML, PAGE)) as (url, asked), pytest.raises(client.InvalidStatus):
        asyncio.run(client.Client(url, "lobby", "ana").run(follow=False))
    assert len(asked) == len(busy) + 1, "403 is final"
    assert pauses == [*wishes.values()] * 3


@pytest.mark.parametrize("wish", ["3600", "999999999", http_date(3600)], ids=["an hour", "years", "a date in an hour"])
def test_a_member_of_a_room_who_is_sent_away_for_an_hour_says_so_at_once(run, wish):
    with serving(Canned(503, {"Retry-After": wish})) as (url, asked):
        done = run("realtime-durable-objects/client.py", url)
    expect_words(done)
    assert (done.returncode, len(asked)) == (1, 1) and "503" in done.stderr


@contextmanager
def room(*frames: str, again: bool = False) -> Iterator[str]:
    """A room that says these frames to whoever comes, the last one ``again`` to each word, and waits until they leave."""

    def talk(socket: ServerConnection) -> None:
        for frame in frames:
            socket.send(frame)
        for _ in socket:
            if again:
                socket.send(frames[-1])

    with serve(talk, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


def frame(kind: str, **fields: object) -> str:
    return json.dumps({"type": kind, **fields})


BUSY = {"error": {"code": "rate_limited", "message": "Slow down."}}


@pytest.mark.parametrize(
    "said",
    [
        *("no JSON", "{}", "[]", "7", "[" * 100_000, b"\xff"),
        *(frame(kind) for kind in ("history", "message", "sent", "welcome", "joined", "error")),
        frame("message", id="7", user="bob", text="hi"),
        frame("welcome", online=[7]),
        *(frame("error", retryAfterMs=wish, **BUSY) for wish in (1e15, "x", -1, None, float("nan"))),
    ],
    ids=lambda said: str(said)[:60],
)
def test_what_no_room_says_ends_a_member_in_one_line(run, said):
    with room(said) as url:
        done = run("realtime-durable-objects/client.py", url)
    expect_words(done)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1


def test_a_handshake_that_is_none_ends_a_member_in_one_line(run):
    with serving(Canned(101)) as (url, _):
        done = run("realtime-durable-objects/client.py", url)
    expect_words(done)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1


def test_no_member_writes_a_line_for_another_or_commands_the_terminal(run):
    text = "\x1b]0;owned\x07hi\n8 eve: give me the key\u202e\x9b"
    message = {"id": 7, "user": "bob\r", "text": text}
    page = frame("history", reset=False, expired=False, more=False, messages=[message])
    with room(frame("welcome", online=["\x1b[2J"]), frame("joined", user="\n"), page) as url:
        done = run("realtime-durable-objects/client.py", url)
    assert done.stdout == (
        "* online: \\x1b[2J\n* \\n joined\n7 bob\\r: \\x1b]0;owned\\x07hi\\n8 eve: give me the key\\u202e\\x9b\n"
    )


@pytest.mark.parametrize(
    ("reset", "ids"), [(False, [7]), (False, []), (True, [7]), (True, []), (False, [7, 5])], ids=str
)
def test_a_history_that_repeats_itself_ends_a_member_in_one_line(run, reset, ids):
    messages = [{"id": n, "user": "bob", "text": "hi"} for n in ids]
    page = frame("history", reset=reset, expired=False, more=True, messages=messages)
    with room(page, again=True) as url:
        done = run("realtime-durable-objects/client.py", url)
    expect_words(done)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "repeats itself" in done.stderr
    assert done.stdout == ("7 bob: hi\n" if ids else "")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_word_that_the_output_cannot_hold_ends_no_member(tmp_path, encoding):
    """As on Windows, where output that goes into a file has an encoding of a few hundred characters."""
    page = frame(
        "history", reset=False, expired=False, more=False, messages=[{"id": 1, "user": "bob", "text": "hi \U0001f600"}]
    )
    with room(page) as url:
        command = [sys.executable, SNIPPETS / "realtime-durable-objects" / "client.py", url, "lobby", "ana"]
        done = subprocess.run(
            command, env={**os.environ, **PROXIES, "PYTHONIOENCODING": encoding}, capture_output=True, check=False
        )
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, rb"1 bob: hi \U0001f600".split(), b"")


def test_the_letters_of_a_scheme_may_be_large():
    client = module("realtime-durable-objects/client.py")
    assert client.Client("HTTPS://rooms.example.com", "lobby", "ana").address.startswith("wss://rooms.example.com/v1/")


# Many parts


class Store:
    """An S3 client that takes everything; a test changes what it answers with."""

    exceptions = SimpleNamespace(NoSuchUpload=KeyError)

    def __init__(self, **answers: dict[str, object]) -> None:
        self.answers, self.called = answers, []

    def __getattr__(self, name: str) -> Callable[..., dict[str, object]]:
        def call(**options: object) -> dict[str, object]:
            self.called.append((name, options))
            return {"ETag": "e", "UploadId": "u", "ContentLength": 28} | self.answers.get(name, {})

        return call


PLAN = {"bucket": "uploads", "key": "uploads/ana/7", "owner": "ana", "part_bytes": 16, "parts": 2}


def send_parts(tmp_path: Path, store: Store, **change: object) -> None:
    """Send 28 bytes; the store learns what the Worker was asked for, and which notes are left."""
    file = tmp_path / "photo.png"
    file.write_bytes(bytes(28))
    started = Canned(201, body=json.dumps({"id": "7", "multipart": PLAN | change}).encode())
    states = [Canned(200, body=json.dumps({"state": state}).encode()) for state in ("pending", "ready")]
    with serving(started, *states) as (url, asked):
        try:
            module("r2-uploads/client/multipart.py").upload(store, url, "ana", file)
        finally:
            store.asked = [a.path for a in asked]
            store.notes = list(tmp_path.glob("*.upload"))


def test_only_the_known_parts_of_a_plan_are_taken(tmp_path):
    store = Store()
    send_parts(tmp_path, store, id="../other", upload_id="theirs", sent={"1": "e"}, state="ready")
    assert store.asked == ["/v1/files", "/v1/files/7", "/v1/files/7"] and store.notes == []
    assert [name for name, _ in store.called].count("upload_part") == 2
    assert store.called[-1][1]["UploadId"] == "u"


@pytest.mark.parametrize(
    "change",
    [
        *({"bucket": b} for b in (7, None, "", "..", "a/b", "arn:aws:s3:us-east-1:1:accesspoint/x", "UPLOADS")),
        *({"key": k} for k in (7, None, "", "..", "uploads/../other", "/uploads", "uploads//7", "a?b", "a%2fb")),
        *({"owner": o} for o in (7, None, "", "a\r\nx-amz-acl: public-read", "\u00e9")),
        *({"part_bytes": n} for n in (0, -16, "16", 16.0, True, None, 13, 28, 10**30)),
        *({"parts": n} for n in (0, 1, 3, -2, "2", 2.0, True, None, 10**30)),
    ],
    ids=str,
)
def test_a_plan_that_is_none_starts_nothing_and_leaves_no_note(tmp_path, change):
    store = Store()
    with pytest.raises(SystemExit, match="this is no answer of the API"):
        send_parts(tmp_path, store, **change)
    assert (store.called, store.notes) == ([], [])


@pytest.mark.parametrize(
    ("answers", "says", "notes"),
    [
        ({"create_multipart_upload": {"UploadId": None}}, "no UploadId", 0),
        ({"upload_part": {"ETag": None}}, "no ETag", 1),
        ({"complete_multipart_upload": {"ETag": None}, "head_object": {"ContentLength": 27}}, "no ETag", 1),
        ({"complete_multipart_upload": {"ETag": None}, "head_object": {"ContentLength": None}}, "no ETag", 1),
    ],
)
def test_a_success_that_is_none_of_s3_is_no_success_and_the_next_run_goes_on(tmp_path, answers, says, notes):
    store = Store(**answers)
    with pytest.raises(SystemExit, match=rf"{says}: .*Run it again to go on\."):
        send_parts(tmp_path, store)
    assert len(store.notes) == notes


def test_a_join_whose_answer_is_empty_is_a_success_when_the_file_is_there(tmp_path):
    store = Store(complete_multipart_upload={"ETag": None})
    send_parts(tmp_path, store)
    assert store.called[-1][0] == "head_object" and store.notes == []


def test_two_runs_side_by_side_each_leave_a_whole_note(tmp_path, monkeypatch):
    multipart, note = module("r2-uploads/client/multipart.py"), tmp_path / "photo.png.upload"
    replace, beside = Path.replace, [{"sent": {"2": "e"}}]

    def slow(new: Path, target: Path) -> Path:
        if beside:
            multipart.save(note, beside.pop())
        return replace(new, target)

    monkeypatch.setattr(Path, "replace", slow)
    multipart.save(note, {"sent": {"1": "e"}})
    assert json.loads(note.read_text()) == {"sent": {"1": "e"}} and list(tmp_path.iterdir()) == [note]


def test_a_note_that_cannot_be_written_leaves_the_old_one_and_no_other_file(tmp_path, monkeypatch):
    multipart, note = module("r2-uploads/client/multipart.py"), tmp_path / "photo.png.upload"
    multipart.save(note, {"sent": {}})
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("the disk is full")))
    with pytest.raises(OSError, match="full"):
        multipart.save(note, {"sent": {"1": "e"}})
    assert json.loads(note.read_text()) == {"sent": {}} and list(tmp_path.iterdir()) == [note]


def test_a_note_that_another_run_removes_meanwhile_is_no_note(tmp_path, monkeypatch):
    (tmp_path / "photo.png.upload").write_text("{}", encoding="utf-8")
    exists = Path.exists

    def late(path: Path, *more: object) -> bool:
        found = exists(path, *more)
        if path.suffix == ".upload":
            path.unlink(missing_ok=True)
        return found

    read = Path.read_text
    monkeypatch.setattr(Path, "exists", late)
    monkeypatch.setattr(Path, "read_text", lambda path, **more: (late(path), read(path, **more))[1])
    store = Store()
    send_parts(tmp_path, store)
    assert [name for name, _ in store.called].count("upload_part") == 2 and store.notes == []


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"changed": [1, 28]}', "\xff"])
def test_a_note_that_is_none_is_told_in_words_and_stays(tmp_path, text):
    (tmp_path / "photo.png.upload").write_bytes(text.encode("latin-1"))
    store = Store()
    with pytest.raises(SystemExit, match=r"photo\.png\.upload is no note of an upload: delete it to restart\."):
        send_parts(tmp_path, store)
    assert store.called == [] and len(store.notes) == 1


@pytest.mark.parametrize("length", [28, 29])
def test_a_file_that_changes_during_an_upload_is_never_stored_as_a_mix(tmp_path, length):
    class Overwriting(Store):
        def upload_part(self, **options: object) -> dict[str, object]:
            (tmp_path / "photo.png").write_bytes(b"x" * length)
            os.utime(tmp_path / "photo.png", ns=(1, 1))
            return {"ETag": "e"}

    store = Overwriting()
    with pytest.raises(SystemExit, match=r"photo\.png changed meanwhile: run it again to send the new one\."):
        send_parts(tmp_path, store)
    assert [name for name, _ in store.called] == ["create_multipart_upload", "abort_multipart_upload"]
    assert (store.asked[-1], store.notes) == ("/v1/files/7", []), "nothing is left that costs storage"


@pytest.mark.parametrize("keys", [f" {SECRET},another", f"{SECRET} ,another", f"\t{SECRET}\n"])
def test_the_key_is_read_without_the_spaces_around_it_as_the_worker_reads_it(monkeypatch, keys):
    monkeypatch.setenv("TOKEN_KEYS", keys)
    assert module("realtime-durable-objects/issue_token.py").local_key() == SECRET


@pytest.mark.parametrize("keys", ["", " ", "a-key", f",{SECRET}", "k" * 31 + " "])
def test_a_key_that_the_worker_refuses_signs_no_token(run, keys):
    with serving(Canned(503)) as (url, asked):
        done = run("realtime-durable-objects/client.py", url, TOKEN_KEYS=keys)
    assert (done.returncode, done.stderr, asked) == (1, "TOKEN_KEYS: the first key has less than 32 characters\n", [])
