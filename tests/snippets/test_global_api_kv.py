"""Feature flags over KV as readers, an administrator and an attacker meet them."""

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import httpx
import pytest

from runtime.workers import SNIPPETS, Example, Runtime, WorkerError, dev_server
from tests.support.patience import PATIENCE_S

SLUG = "global-api-kv"
TOKEN = "a-secret-that-nobody-may-see-0123456789"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
BODY_LIMIT_BYTES = 4096
FLAG = {"enabled": True, "rollout": 25, "note": "half of Norway"}
FAILING_STORE = Path(__file__).with_name("global_api_kv_failing_store")


@pytest.fixture(scope="module")
def api(runtime: Runtime) -> Iterator[Example]:
    with runtime.example(SLUG, secrets={"ADMIN_TOKEN": TOKEN}) as example:
        yield example


def put(api: Example, name: str, flag: object = FLAG, **headers: str) -> httpx.Response:
    headers = {"Content-Type": "application/json", **ADMIN, **headers}
    return api.http.put(f"/v1/flags/{name}", content=json.dumps(flag), headers=headers)


def put_raw(api: Example, content: object, content_type: str | None = "application/json") -> httpx.Response:
    headers = ADMIN if content_type is None else {**ADMIN, "Content-Type": content_type}
    return api.http.put("/v1/flags/raw", content=content, headers=headers)


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Return status and code of an error, after checking the shape that all errors share."""
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert body.keys() == {"error"} and body["error"].keys() == {"code", "message"}
    assert body["error"]["message"].endswith(".")
    return response.status_code, body["error"]["code"]


# What readers see


def test_a_flag_that_was_written_can_be_read_by_anyone(api):
    assert put(api, "written").json() == FLAG
    read = api.http.get("/v1/flags/written")
    assert (read.status_code, read.json()) == (200, FLAG)
    assert read.headers["content-type"] == "application/json"
    assert read.headers["cache-control"] == "public, max-age=30"


def test_a_flag_without_rollout_is_for_everyone_and_needs_no_note(api):
    put(api, "short", {"enabled": False})
    assert api.http.get("/v1/flags/short").json() == {"enabled": False, "rollout": 100}


def test_a_second_write_replaces_the_whole_flag_and_changes_the_etag(api):
    put(api, "replaced")
    before = api.http.get("/v1/flags/replaced").headers["etag"]
    put(api, "replaced", {"enabled": False})
    after = api.http.get("/v1/flags/replaced", headers={"If-None-Match": before})
    assert after.status_code == 200
    assert after.json() == {"enabled": False, "rollout": 100}
    assert after.headers["etag"] != before


def test_head_answers_like_get_without_a_body(api):
    put(api, "headed")
    get, head = api.http.get("/v1/flags/headed"), api.http.head("/v1/flags/headed")
    assert head.status_code == 200 and head.content == b""
    for name in ("etag", "cache-control", "content-type"):
        assert head.headers[name] == get.headers[name]
    assert api.http.head("/v1/flags/never-written").status_code == 404


def test_a_deleted_flag_is_gone_and_deleting_it_again_is_no_error(api):
    put(api, "deleted")
    for _ in range(2):
        gone = api.http.delete("/v1/flags/deleted", headers=ADMIN)
        assert (gone.status_code, gone.content) == (204, b"")
        assert refusal(api.http.get("/v1/flags/deleted")) == (404, "flag_not_found")


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/flags/", "/v1/flags/a/b", "/v2/flags/a", "/v1/flags/../a", "/v1/Flags/a"]
)
def test_other_addresses_hold_nothing(api, path):
    assert refusal(httpx.get(api.url + path)) == (404, "not_found")


# Revalidation


@pytest.mark.parametrize("known", ["{tag}", "W/{tag}", '"other", {tag}', 'W/"x",W/{tag} , "y"', "*"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_reader_who_has_the_flag_gets_304(api, known, method):
    put(api, "known")
    tag = api.http.get("/v1/flags/known").headers["etag"]
    response = api.http.request(method, "/v1/flags/known", headers={"If-None-Match": known.format(tag=tag)})
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == tag
    assert response.headers["cache-control"] == "public, max-age=30"


@pytest.mark.parametrize("known", ['"other"', "", "{bare}", '"*"', '"a,*,b"', '"x{bare}"', '\u2000"{bare}"'])
def test_a_reader_who_has_something_else_gets_the_flag(api, known):
    put(api, "unknown")
    bare = api.http.get("/v1/flags/unknown").headers["etag"].strip('"')
    response = api.http.get("/v1/flags/unknown", headers={"If-None-Match": known.format(bare=bare).encode()})
    assert (response.status_code, response.json()) == (200, FLAG)


def test_the_etag_is_strong_and_the_same_for_the_same_content(api):
    put(api, "one")
    put(api, "two")
    first, second = (api.http.get(f"/v1/flags/{name}").headers["etag"] for name in ("one", "two"))
    assert first == second
    assert first.startswith('"') and first.endswith('"') and len(first) == 34


def test_a_reader_who_has_anything_still_learns_that_a_flag_is_missing(api):
    assert refusal(api.http.get("/v1/flags/never-written", headers={"If-None-Match": "*"})) == (404, "flag_not_found")


# Many flags at once


def test_many_flags_come_in_one_answer_and_missing_ones_are_null(api):
    put(api, "many-a")
    put(api, "many-b", {"enabled": False})
    response = api.http.get("/v1/flags", params={"names": "many-a,never-written,many-b"})
    assert response.status_code == 200
    assert response.json() == {
        "flags": {"many-a": FLAG, "never-written": None, "many-b": {"enabled": False, "rollout": 100}}
    }
    again = api.http.get(response.url, headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304


def test_a_name_given_twice_is_answered_once(api):
    put(api, "twice")
    names = ",".join(["twice"] * 200)
    assert api.http.get("/v1/flags", params={"names": names}).json() == {"flags": {"twice": FLAG}}


def test_a_hundred_names_are_the_most(api):
    names = [f"n{number}" for number in range(101)]
    most = api.http.get("/v1/flags", params={"names": ",".join(names[:100])})
    assert most.json() == {"flags": dict.fromkeys(names[:100])}
    assert refusal(api.http.get("/v1/flags", params={"names": ",".join(names)})) == (400, "invalid_names")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "invalid_names"),
        ("?names=", "invalid_name"),
        ("?names=a,,b", "invalid_name"),
        ("?names=a,B", "invalid_name"),
        ("?name=a", "invalid_names"),
    ],
)
def test_a_list_without_proper_names_is_refused(api, query, code):
    assert refusal(api.http.get(f"/v1/flags{query}")) == (400, code)


# Names


@pytest.mark.parametrize("name", ["a", "0", "dark-mode", "shop.checkout_v2", "n" * 64])
def test_a_good_name_is_taken(api, name):
    assert put(api, name).status_code == 200
    assert api.http.get(f"/v1/flags/{name}").json() == FLAG


@pytest.mark.parametrize(
    "name",
    [
        "Dark",
        "-a",
        ".a",
        "_a",
        "a b",
        "a%20b",
        "é",
        "a%2Fb",
        "..%2Fa",
        "%00",
        "a%0A",
        "%ZZ",
        "%",
        "%C3",
        "a:b",
        "n" * 65,
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_bad_name_is_refused(api, name, method):
    response = api.http.request(method, f"/v1/flags/{name}", headers=ADMIN)
    assert refusal(response) == (400, "invalid_name")


def test_a_percent_encoded_name_is_the_same_flag(api):
    put(api, "dark%2Dmode")
    assert api.call("FLAGS", "get", "dark-mode") == json.dumps(FLAG, separators=(",", ":"))
    assert api.http.get("/v1/flags/d%61rk-mode").json() == FLAG


# Who may write


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN.upper()}",
        "Bearer x y",
        f"Bearer x, Bearer {TOKEN}",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer{TOKEN}",
        f"Token {TOKEN}",
    ],
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_writer_without_the_token_is_refused_and_changes_nothing(api, authorization, method):
    put(api, "guarded")
    headers = {} if authorization is None else {"Authorization": authorization}
    response = api.http.request(method, "/v1/flags/guarded", json={"enabled": False}, headers=headers)
    assert refusal(response) == (401, "unauthorized")
    assert response.headers["www-authenticate"] == 'Bearer realm="flags"'
    assert api.http.get("/v1/flags/guarded").json() == FLAG


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer  "])
def test_the_scheme_is_read_in_any_case(api, scheme):
    assert put(api, "scheme", Authorization=f"{scheme} {TOKEN}").status_code == 200


def test_a_stranger_learns_nothing_about_names_or_bodies(api):
    response = api.http.put("/v1/flags/BAD NAME", content=b"x" * 5000)
    assert refusal(response) == (401, "unauthorized")


def test_the_token_stands_in_no_response_and_in_no_log(api):
    answers = [
        put(api, "quiet"),
        put(api, "quiet", {"enabled": "x"}),
        put(api, "quiet", Authorization=f"Bearer {TOKEN}x"),
        put(api, "quiet", Authorization=f"Basic {TOKEN}"),
        api.http.delete("/v1/flags/quiet", headers=ADMIN),
    ]
    assert [answer.status_code for answer in answers] == [200, 400, 401, 401, 204]
    assert all(TOKEN not in f"{answer.headers}{answer.text}" for answer in answers)
    logs = "\n".join(api.logs())
    assert "flag_written" in logs and "write_refused" in logs and "flag_deleted" in logs
    assert TOKEN not in logs


# What may be written


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        ([], "object"),
        (None, "object"),
        ("on", "object"),
        (1, "object"),
        ({}, '"enabled"'),
        ({"enabled": "true"}, '"enabled"'),
        ({"enabled": 1}, '"enabled"'),
        ({"enabled": None}, '"enabled"'),
        ({"enabled": True, "rollout": -1}, '"rollout"'),
        ({"enabled": True, "rollout": 101}, '"rollout"'),
        ({"enabled": True, "rollout": 2.5}, '"rollout"'),
        ({"enabled": True, "rollout": "25"}, '"rollout"'),
        ({"enabled": True, "rollout": None}, '"rollout"'),
        ({"enabled": True, "rollout": True}, '"rollout"'),
        ({"enabled": True, "note": 1}, '"note"'),
        ({"enabled": True, "note": "x" * 201}, '"note"'),
        ({"enabled": True, "note": None}, '"note"'),
        ({"enabled": True, "rolout": 5}, '"rolout"'),
        ({"enabled": True, "__proto__": {"rollout": 5}}, '"__proto__"'),
        ({"enabled": True, 'a"b': 5}, '"a\\"b"'),
    ],
)
def test_a_flag_of_another_shape_is_refused_with_the_field(api, flag, says):
    response = put(api, "shape", flag)
    assert refusal(response) == (400, "invalid_flag")
    assert says in response.json()["error"]["message"]
    assert api.http.get("/v1/flags/shape").status_code == 404


@pytest.mark.parametrize(
    "flag",
    [
        {"enabled": True, "rollout": 0},
        {"enabled": True, "rollout": 100, "note": "é" * 200},
        {"enabled": False, "rollout": 5, "note": ""},
    ],
)
def test_the_edges_of_what_a_flag_may_hold_are_taken(api, flag):
    assert put(api, "edges", flag).json() == flag
    assert api.http.get("/v1/flags/edges").json() == flag


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'enabled': true}",
        b"\xff\xfe",
        b'{"enabled": true}\xff',
        b'{"enabled": true, "note": "\xff"}',
        b'{"enabled": true} x',
        b"NaN",
    ],
)
def test_a_body_that_is_no_json_is_refused(api, body):
    assert refusal(put_raw(api, body)) == (400, "invalid_json")


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "text/json",
        b"\xc2\xa0application/json",
    ],
)
def test_another_content_type_is_refused(api, content_type):
    assert refusal(put_raw(api, b'{"enabled": true}', content_type)) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"]
)
def test_parameters_and_case_of_the_content_type_do_not_matter(api, content_type):
    assert put_raw(api, b'{"enabled": true}', content_type).status_code == 200


def padded(size: int) -> bytes:
    return b'{"enabled": true}'.rjust(size)


def in_pieces(body: bytes) -> Iterator[bytes]:
    """Without a length known before, httpx sends chunks and no Content-Length."""
    for start in range(0, len(body), 1000):
        yield body[start : start + 1000]


@pytest.mark.parametrize("send", [bytes, in_pieces], ids=["with its length", "in chunks"])
def test_a_body_at_the_limit_is_taken_and_one_byte_more_is_not(api, send):
    assert put_raw(api, send(padded(BODY_LIMIT_BYTES))).status_code == 200
    assert refusal(put_raw(api, send(padded(BODY_LIMIT_BYTES + 1)))) == (413, "body_too_large")


def test_a_body_is_refused_as_soon_as_it_is_too_large_without_waiting_for_its_end(runtime):
    head = f"PUT /v1/flags/endless HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
    with (
        runtime.example(SLUG, secrets={"ADMIN_TOKEN": TOKEN}) as api,
        socket.create_connection(("127.0.0.1", api.http.base_url.port), timeout=PATIENCE_S) as upload,
    ):
        upload.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(5):
            upload.sendall(b"3e8\r\n" + b" " * 1000 + b"\r\n")
        assert upload.recv(4096).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("method", ["POST", "PATCH", "OPTIONS"])
def test_a_method_that_is_not_offered_is_named_with_those_that_are(api, method):
    one = api.http.request(method, "/v1/flags/a", headers=ADMIN)
    assert refusal(one) == (405, "method_not_allowed") and one.headers["allow"] == "GET, HEAD, PUT, DELETE"
    for refused in (method, "PUT", "DELETE"):
        many = api.http.request(refused, "/v1/flags", headers=ADMIN)
        assert refusal(many) == (405, "method_not_allowed") and many.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("condition", [{"If-Match": '"x"'}, {"If-None-Match": "*"}])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_conditional_write_is_refused_because_kv_cannot_keep_the_condition(api, condition, method):
    put(api, "conditional")
    response = api.http.request(
        method, "/v1/flags/conditional", json={"enabled": False}, headers={**ADMIN, **condition}
    )
    assert refusal(response) == (501, "no_conditional_writes")
    assert api.http.get("/v1/flags/conditional").json() == FLAG


# What KV does and does not do


def test_of_two_writers_at_the_same_time_the_last_one_wins_and_both_are_told_yes(api):
    flags = [{"enabled": True, "rollout": 10}, {"enabled": True, "rollout": 20}]
    start = threading.Barrier(2)

    def write(flag: dict[str, object]) -> int:
        start.wait()
        return put(api, "contended", flag).status_code

    with ThreadPoolExecutor(2) as writers:
        assert list(writers.map(write, flags)) == [200, 200]
    assert api.http.get("/v1/flags/contended").json() in flags


def test_two_who_read_change_and_write_lose_one_change(api):
    put(api, "shared", {"enabled": False, "rollout": 10})
    ann, bob = (api.http.get("/v1/flags/shared").json() for _ in range(2))
    put(api, "shared", {**ann, "enabled": True})
    put(api, "shared", {**bob, "rollout": 50})
    assert api.http.get("/v1/flags/shared").json() == {"enabled": False, "rollout": 50}, "Ann's change is lost"


def test_kv_refuses_to_keep_a_read_for_less_than_30_seconds(api):
    put(api, "kept")
    with pytest.raises(WorkerError, match=r"KV GET failed: 400 .*at least 30"):
        api.call("FLAGS", "get", "kept", {"type": "text", "cacheTtl": 29})
    assert json.loads(api.call("FLAGS", "get", "kept", {"type": "text", "cacheTtl": 30})) == FLAG


def test_the_local_store_takes_many_writes_a_second_to_one_key_where_production_does_not(api):
    assert [put(api, "hot", {"enabled": True, "rollout": n}).status_code for n in range(50)] == [200] * 50


@pytest.mark.parametrize("stored", ["", "{", "[]", '{"enabled":"yes"}', '{"enabled":true,"owner":"x"}'])
def test_a_value_that_bypassed_the_api_counts_as_missing_and_spares_the_others(api, stored):
    put(api, "sound")
    api.call("FLAGS", "put", "broken", stored)
    assert refusal(api.http.get("/v1/flags/broken")) == (404, "flag_not_found")
    assert api.http.get("/v1/flags?names=broken,sound").json() == {"flags": {"broken": None, "sound": FLAG}}
    assert any("stored_flag_invalid" in line and "broken" in line for line in api.logs())


def test_a_failing_store_is_reported_with_a_time_to_try_again_and_without_inner_names(runtime):
    with runtime.example(
        SLUG, FAILING_STORE, secrets={"ADMIN_TOKEN": TOKEN}, stand_ins={"FLAGS": "failing-store"}
    ) as api:
        reads = [api.http.get(f"/v1/flags{which}") for which in ("/cold", "/hot", "?names=cold,hot")]
        writes = [put(api, "cold"), api.http.delete("/v1/flags/cold", headers=ADMIN)]
        for answer in reads + writes:
            assert refusal(answer) == (503, "storage_unavailable")
            assert answer.headers["retry-after"] == "5"
            assert "store-17" not in answer.text
        for answer in (put(api, "hot"), api.http.delete("/v1/flags/hot", headers=ADMIN)):
            assert refusal(answer) == (429, "too_many_writes")
            assert answer.headers["retry-after"] == "1"
        assert any("kv_failed" in line and "429" in line for line in api.logs())


# The origin behind it


class Origin(BaseHTTPRequestHandler):
    """Answers by the flag's name, and remembers what it was asked."""

    asked: ClassVar[list[str]] = []
    answers: ClassVar = {
        "good": (200, b'{"enabled": true, "rollout": 40}'),
        "html": (200, b"<html>"),
        "wrong": (200, b'{"enabled": "maybe"}'),
        "huge": (200, b" " * 5000 + b'{"enabled": true}'),
        "empty": (200, b""),
        "broken": (500, b"stack trace of origin-3.internal"),
        "refused": (403, b"{}"),
        "dripping": (200, b'{"enabled": '),
        "moved": (302, b'{"enabled": true}'),
    }

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        self.asked.append(name)
        if name == "slow":
            self.server.over.wait()
        status, body = self.answers.get(name, (404, b"not here"))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) + (1000 if name == "dripping" else 0)))
        self.send_header("Location", "/v1/flags/good")
        self.end_headers()
        self.wfile.write(body)
        if name == "dripping":
            self.server.over.wait()

    def log_message(self, *_: object) -> None:
        pass


class OriginServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *address: object) -> None:
        super().__init__(*address)
        self.over = threading.Event()

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is what some tests are about."""


@contextmanager
def origin(port: int = 0) -> Iterator[str]:
    with OriginServer(("127.0.0.1", port), Origin) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def backed(runtime: Runtime) -> Iterator[Example]:
    with (
        origin() as url,
        runtime.example(SLUG, secrets={"ADMIN_TOKEN": TOKEN}, variables={"ORIGIN_URL": f"{url}/"}) as example,
    ):
        yield example


def times_asked(name: str) -> int:
    return Origin.asked.count(name)


def test_a_missing_flag_comes_from_the_origin_checked_and_completed(backed):
    response = backed.http.get("/v1/flags/good")
    assert (response.status_code, response.json()) == (200, {"enabled": True, "rollout": 40})
    assert response.headers["etag"] and response.headers["cache-control"] == "public, max-age=30"


def test_a_good_answer_of_the_origin_is_asked_for_once(backed):
    backed.http.get("/v1/flags/good")
    before = times_asked("good")
    assert backed.http.get("/v1/flags/good").json() == {"enabled": True, "rollout": 40}
    assert times_asked("good") == before > 0


def test_a_host_that_the_caller_names_asks_the_origin_no_second_time(backed):
    backed.http.get("/v1/flags/good")
    before = times_asked("good")
    for port in range(8001, 8021):
        answer = backed.http.get("/v1/flags/good", headers={"Host": f"flags.example.com:{port}"})
        assert answer.json() == {"enabled": True, "rollout": 40}
    assert times_asked("good") == before


def test_a_stored_flag_wins_over_the_origin_and_the_origin_is_not_asked(backed):
    put(backed, "huge")
    before = times_asked("huge")
    assert backed.http.get("/v1/flags/huge").json() == FLAG
    assert times_asked("huge") == before
    backed.http.delete("/v1/flags/huge", headers=ADMIN)


def test_a_flag_that_the_origin_lacks_too_is_missing(backed):
    for _ in range(2):
        assert refusal(backed.http.get("/v1/flags/nowhere")) == (404, "flag_not_found")
    assert times_asked("nowhere") == 2


@pytest.mark.parametrize("name", ["html", "wrong", "huge", "empty", "broken", "refused"])
def test_a_useless_answer_of_the_origin_is_an_error_and_never_kept(backed, name):
    before = times_asked(name)
    for _ in range(2):
        response = backed.http.get(f"/v1/flags/{name}")
        assert refusal(response) == (502, "origin_failed")
        assert response.headers["retry-after"] == "5"
        assert "internal" not in response.text
    assert times_asked(name) == before + 2
    assert any("origin_failed" in line for line in backed.logs())


def test_an_origin_that_never_answers_or_stops_halfway_is_given_up(backed):
    with ThreadPoolExecutor(2) as readers:
        answers = list(readers.map(lambda name: backed.http.get(f"/v1/flags/{name}"), ["slow", "dripping"]))
    for response in answers:
        assert refusal(response) == (504, "origin_too_slow")
        assert response.headers["retry-after"] == "5"
    limit = "const TIMEOUT_MS = 2000;"
    assert limit in (SNIPPETS / SLUG / "src" / "origin.ts").read_text(), "the page says two seconds"


def test_a_bulk_read_never_asks_the_origin(backed):
    before = times_asked("good")
    assert backed.http.get("/v1/flags?names=good").json() == {"flags": {"good": None}}
    assert times_asked("good") == before


def test_a_dead_origin_leaves_stored_flags_alone_and_is_used_again_once_it_lives(runtime):
    with origin() as url:
        port = int(url.rpartition(":")[2])
    with runtime.example(SLUG, secrets={"ADMIN_TOKEN": TOKEN}, variables={"ORIGIN_URL": url}) as api:
        assert refusal(api.http.get("/v1/flags/good")) == (502, "origin_failed")
        put(api, "stored")
        assert api.http.get("/v1/flags/stored").json() == FLAG
        with origin(port):
            assert api.http.get("/v1/flags/good").json() == {"enabled": True, "rollout": 40}


@pytest.mark.parametrize("address", ["flags.example.com", "localhost:8080"])
def test_a_mistyped_origin_address_is_an_error_of_the_origin(runtime, address):
    with runtime.example(SLUG, secrets={"ADMIN_TOKEN": TOKEN}, variables={"ORIGIN_URL": address}) as api:
        assert refusal(api.http.get("/v1/flags/good")) == (502, "origin_failed")


def test_a_redirecting_origin_is_not_followed(tmp_path):
    """The harness follows redirects itself, ``wrangler dev`` leaves them to the Worker as production does."""
    options = f"--persist-to {tmp_path} --var ADMIN_TOKEN:{TOKEN} --var ORIGIN_URL:"
    command = f"npx wrangler dev --config snippets/{SLUG}/wrangler.toml {options}"
    with origin() as url, dev_server(command + url) as (api, _):
        before = times_asked("good")
        assert refusal(httpx.get(f"{api}/v1/flags/moved")) == (502, "origin_failed")
        assert times_asked("good") == before
