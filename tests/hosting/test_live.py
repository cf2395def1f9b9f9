"""The live layer on workerd: every visitor in a sandbox of its own, and nothing that a visitor sends gets around that."""

import itertools
import json
import random
import re
import select
import socket
import threading
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from runtime.setups import EXAMPLES
from runtime.workers import Example, Runtime, dry_run
from tests.documents.fences import fences
from tests.documents.transcripts import check, commands
from tests.hosting.support import COOKIE, HOSTED, LIVE, STRANGER, Visitor, as_a_server, flooded, live, typecheck
from tests.support.pages import ROOT
from tests.support.patience import PATIENCE_S, until, until_limited

WORKERS = [LIVE / "wrangler.toml", *(LIVE / "examples" / slug / "wrangler.toml" for slug in HOSTED)]
ADDRESSES = (f"198.51.{n // 250}.{n % 250 + 1}" for n in itertools.count())


@pytest.fixture(scope="module")
def site(runtime: Runtime) -> Iterator[Example]:
    """The live layer as it is deployed."""
    with live(runtime) as example:
        yield example


@pytest.fixture(scope="module")
def stranger(runtime: Runtime) -> Iterator[Example]:
    """The same, with a hosted example that tries to get out, in the place of global-api-kv."""
    with live(runtime, STRANGER, stand_ins={"GLOBAL_API_KV": "stranger"}) as example:
        yield example


def arrive(example: Example) -> Visitor:
    """A browser that was never here, on an address of its own."""
    return Visitor(example, next(ADDRESSES))


def flag(visitor: Visitor, name: str, rollout: int | None = None) -> dict[str, Any]:
    if rollout is None:
        return visitor.call("global-api-kv", "GET", f"/v1/flags/{name}")
    headers = {"Authorization": "Bearer local-admin-token-0123456789abcdef", "Content-Type": "application/json"}
    body = json.dumps({"enabled": True, "rollout": rollout})
    return visitor.call("global-api-kv", "PUT", f"/v1/flags/{name}", headers, body)


def echo(visitor: Visitor, *headers: list[str], **more: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what an example saw of a request, and the whole answer."""
    response = visitor.post("global-api-kv", {"method": "GET", "url": "/echo", "headers": list(headers)}, **more)
    assert response.status_code == 200, response.text
    return json.loads(response.json()["body"]), response.json()


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


# --- what it is ---------------------------------------------------------------------------------------------------------


def test_every_example_is_hosted_or_has_a_reason_not_to_be(site: Example):
    reasons = yaml.safe_load((LIVE / "examples" / "not-hosted.yml").read_text())
    assert sorted([*HOSTED, *reasons]) == sorted(EXAMPLES)
    assert all(len(reason.split()) > 4 for reason in reasons.values())
    assert sorted(site.http.get("/live/status").json()["examples"]) == HOSTED


def test_the_status_says_where_and_on_what_it_runs(site: Example):
    status = site.http.get("/live/status").json()
    assert site.http.get("/latest/live/status").json() == status
    assert site.http.get("/2026-11-24/live/status").status_code == 404, "an older edition shows what was recorded"
    wrangler = json.loads((ROOT / "package.json").read_text())["devDependencies"]["wrangler"]
    assert status["live"] is True and status["where"] == "hosted" and status["runtime"]["wrangler"] == wrangler


def test_only_the_live_worker_has_a_route_and_no_worker_another_address():
    for config in WORKERS:
        settings = tomllib.loads(config.read_text())
        assert settings["workers_dev"] is False and settings["preview_urls"] is False, config
        assert ("routes" in settings) == (config.parent == LIVE), config
        assert settings["limits"]["cpu_ms"] <= 200, config


def test_a_hosted_example_runs_the_tested_code_with_the_tested_dates_and_limits():
    for slug in HOSTED:
        entry = (LIVE / "examples" / slug / "index.ts").read_text()
        assert entry.startswith('import "../../sandbox/closed";'), (
            f"{slug}: the way out is closed before the example's code runs"
        )
        assert f"snippets/{slug}/" in entry
        settings = [
            tomllib.loads(p.read_text())
            for p in (ROOT / "snippets" / slug).glob("**/wrangler.toml")
            if "pages" not in p.parts
        ]
        for limit in (limit for one in settings for limit in one.get("ratelimits", [])):
            simple = limit["simple"]
            assert f'this.limit("{limit["name"]}", {simple["limit"]}, {simple["period"]})' in entry, (
                f"{slug}: {limit['name']}"
            )
        for migration in (ROOT / "snippets" / slug).glob("**/migrations/*.sql"):
            assert migration.name in entry, f"{slug}: {migration.name}"


@pytest.mark.parametrize("config", WORKERS, ids=lambda config: config.parent.name)
def test_it_type_checks_would_deploy_and_has_no_other_way_out(runtime: Runtime, config: Path, tmp_path: Path):
    assert typecheck(runtime, config) == ""
    dry_run(config, tmp_path)
    bundle = (tmp_path / "index.js").read_text()
    imported = re.findall(r'^import .*?["\']([^"\']+)["\'];$', bundle, flags=re.M)
    assert {name for name in imported if not name.endswith(".sql")} <= {"cloudflare:workers"}
    assert "import(" not in bundle and "require(" not in bundle


# --- the plain path -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", HOSTED)
def test_the_transcripts_of_the_page_run_in_a_sandbox(site: Example, slug: str):
    page = ROOT / "docs" / "patterns" / f"{slug}.md"
    found = [c for f in fences(page.read_text(), slug) if f.language == "console" for c in commands(f, slug) if c.runs]
    assert len(found) >= 6
    with as_a_server(arrive(site), slug) as url:
        for command in found:
            check(command, url, slug)


def test_an_address_as_the_page_prints_it_and_a_path_are_the_same(site: Example):
    visitor = arrive(site)
    flag(visitor, "a", 7)
    for url in ("/v1/flags/a", "http://localhost:8787/v1/flags/a", "http://127.0.0.1:8787/v1/flags/a"):
        assert json.loads(visitor.call("global-api-kv", "GET", url)["body"])["rollout"] == 7


# --- nobody else's ------------------------------------------------------------------------------------------------------


def test_visitors_never_see_what_others_wrote(site: Example):
    """Random visitors, names and values in a random order, against a model that has one dictionary for each visitor."""
    seed = random.randrange(10**9)
    dice = random.Random(seed)
    visitors = [arrive(site) for _ in range(4)]
    model: list[dict[str, int]] = [{} for _ in visitors]
    for step in range(80):
        who, name = dice.randrange(len(visitors)), dice.choice("ab")
        if dice.random() < 0.4:
            model[who][name] = dice.randrange(101)
            assert flag(visitors[who], name, model[who][name])["status"] == 200
        else:
            answer = flag(visitors[who], name)
            seen = json.loads(answer["body"])["rollout"] if answer["status"] == 200 else None
            assert seen == model[who].get(name), f"seed {seed}, step {step}"
    assert len({visitor.id for visitor in visitors}) == 4


def test_an_account_of_one_visitor_is_unknown_to_another(site: Example):
    account = {"email": "ann@example.com", "password": "correct horse battery"}
    headers = {"Content-Type": "application/json"}
    ann, bob = arrive(site), arrive(site)
    signup = json.dumps({**account, "invite": "local-invite"})
    assert ann.call("fullstack-d1", "POST", "/api/signup", headers, signup)["status"] == 201
    assert ann.call("fullstack-d1", "POST", "/api/login", headers, json.dumps(account))["status"] == 200
    assert bob.call("fullstack-d1", "POST", "/api/login", headers, json.dumps(account))["status"] == 401
    # Not even with her session: the cookie is right, and its row is in another object.
    answer = ann.call("fullstack-d1", "POST", "/api/login", headers, json.dumps(account))
    session = next(value for name, value in answer["headers"] if name == "Set-Cookie").partition(";")[0]
    assert ann.call("fullstack-d1", "GET", "/api/session", {"Cookie": session})["status"] == 200
    assert bob.call("fullstack-d1", "GET", "/api/session", {"Cookie": session})["status"] == 401


def test_one_visitor_cannot_use_up_what_another_needs(site: Example):
    """The examples' own limiters and nonces count for one visitor."""
    headers = {"Content-Type": "application/json"}
    login = json.dumps({"email": "ann@example.com", "password": "wrong horse battery"})
    greedy, other = arrive(site), arrive(site)
    ask = lambda: greedy.call("fullstack-d1", "POST", "/api/login", headers, login)["status"]
    assert ask() == 401
    until(ask, lambda status: status == 429)
    assert other.call("fullstack-d1", "POST", "/api/login", headers, login)["status"] == 401


@pytest.mark.parametrize(
    "forge",
    [
        lambda cookie: "0" * 32 + cookie[32:],
        lambda cookie: cookie[:-1] + ("0" if cookie[-1] != "0" else "1"),
        lambda cookie: cookie.replace(".", ".9", 1)[: len(cookie)],
        lambda cookie: cookie.partition(".")[0],
        lambda cookie: cookie.upper(),
        lambda cookie: cookie + "0",
        lambda cookie: "../" + cookie,
        lambda cookie: "",
        lambda cookie: "x" * 7_000,
    ],
)
def test_a_cookie_that_we_did_not_sign_is_a_new_visitor(site: Example, forge: Any):
    owner = arrive(site)
    flag(owner, "mine", 3)
    thief = Visitor(site, next(ADDRESSES), forge(owner.cookie))
    assert flag(thief, "mine")["status"] == 404
    assert thief.id != owner.id and flag(owner, "mine")["status"] == 200


@pytest.mark.parametrize("before", ["\u2000", "\u00a0", "\ufeff", "\t", f"{COOKIE}=x; "])
def test_a_cookie_that_a_sibling_hostname_planted_makes_nobody_a_known_visitor(site: Example, before: str):
    owner, victim = arrive(site), arrive(site)
    flag(owner, "mine", 3)
    planted: Any = f"a=1; {before}{COOKIE}={owner.cookie}".encode()
    answer = victim.post("global-api-kv", {"method": "GET", "url": "/v1/flags/mine"}, Cookie=planted)
    assert answer.json()["status"] == 404 and victim.id not in ("", owner.id)


def test_the_cookie_is_for_this_host_only_and_out_of_the_reach_of_scripts(site: Example):
    response = arrive(site).post("global-api-kv", {"method": "GET", "url": "/"})
    value, *flags = response.headers["Set-Cookie"].split("; ")
    assert value.startswith(f"{COOKIE}=")
    assert set(flags) == {"Path=/", "Max-Age=86400", "HttpOnly", "Secure", "SameSite=Strict"}


@pytest.mark.parametrize("secrets", [{}, {"VISITOR_KEY": "guessable-" * 3 + "k"}], ids=["missing", "31 characters"])
def test_with_a_key_that_can_be_guessed_nobody_gets_a_sandbox(runtime: Runtime, secrets: dict[str, str]):
    with live(runtime, secrets=secrets) as example:
        for answer in (example.http.get("/live/status"), arrive(example).post("global-api-kv", {})):
            assert code(answer) == (503, "not_configured") and "set-cookie" not in answer.headers
        said = "\n".join(example.logs())
        assert "VISITOR_KEY" in said and "guessable" not in said


# --- what a visitor may not say -----------------------------------------------------------------------------------------

SMUGGLED = [
    "CF-Connecting-IP",
    "cf-connecting-ipv6",
    "CF-Ray",
    "CF-IPCountry",
    "CF-Worker",
    "CF-Visitor",
    "Cf-Access-Jwt-Assertion",
    "CF-Access-Client-Id",
    "Cf-Access-Authenticated-User-Email",
    "MF-CF-Blob",
    "Host",
    "X-Host",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Anything",
    "Forwarded",
    "Via",
    "X-Real-IP",
    "True-Client-IP",
    "X-Client-IP",
    "CDN-Loop",
    "X-Original-URL",
    "X-Live-Visitor",
    "Transfer-Encoding",
    "Content-Length",
    "Connection",
    "Upgrade",
    "Proxy-Authorization",
    "Sec-WebSocket-Key",
    "Expect",
    "TE",
    "Keep-Alive",
    "Trailer",
    "X-HTTP-Method-Override",
    "X-Rewrite-URL",
    "X-Mine",
]


def test_no_header_that_an_example_does_not_name_reaches_it(stranger: Example):
    visitor = arrive(stranger)
    for names in itertools.batched(SMUGGLED, 17) if hasattr(itertools, "batched") else [SMUGGLED[:17], SMUGGLED[17:]]:
        seen, answer = echo(visitor, *([name, "forged"] for name in names), ["X-Nonce", "kept"], ["x-nonce", "twice"])
        headers = dict(seen["headers"])
        assert "forged" not in json.dumps(seen)
        assert headers.pop("cf-connecting-ip") == "192.0.2.1" and headers.pop("cf-ray")
        assert headers == {"x-nonce": "kept, twice"}
        assert answer["removed"] == [name.lower() for name in names]


def test_what_the_visitors_own_browser_sends_stays_outside(stranger: Example):
    visitor = arrive(stranger)
    visitor.call("global-api-kv", "GET", "/")
    seen, _ = echo(
        visitor, ["Cookie", f"a=1; {COOKIE}={visitor.cookie}; b=2"], **{"X-Outer": "1", "Authorization": "Bearer x"}
    )
    assert dict(seen["headers"])["cookie"] == "a=1; b=2"
    assert visitor.id not in json.dumps(seen)
    seen, _ = echo(visitor, ["Cookie", f"a=1; \u00a0__Host-session=x;\t{COOKIE}={visitor.cookie}; b=2"])
    assert dict(seen["headers"])["cookie"] == "a=1; \u00a0__Host-session=x; b=2", "a name is never made into another"
    assert not {"x-outer", "authorization", "origin", "user-agent"} & {name for name, _ in seen["headers"]}


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "http://example.com/",
        "//example.com/",
        "http://localhost:8787@example.com/",
        "http://a:b@localhost:8787/",
        "http://@localhost:8787/",
        "http:a:b@localhost:8787",
        "http:/a:b@localhost:8787/",
        "http:localhost:8787/",
        "http://localhost:8788/",
        "http://localhost/",
        "https://localhost:8787/",
        "http://localhost:8787.example.com/",
        "http://127.0.0.1:8787.example.com/",
        "/\\example.com",
        "\\\\example.com",
        "http:\\\\localhost:8787\\",
        "/a\r\nHost: example.com",
        "/a\nb",
        "/a b",
        "/\u0000",
        " /",
        "\t//example.com",
        "http://live-fullstack-d1/",
        "http://metadata/",
        "file:///etc/passwd",
        "data:text/plain,x",
        "javascript:alert(1)",
        "ftp://localhost:8787/",
        "a/b",
        "",
        "?x",
        "/" + "x" * 2_048,
        "http://[::1]:8787/",
        "http://2130706433:8787@example.com",
        7,
        None,
        ["/"],
    ],
)
def test_it_is_no_proxy(site: Example, site_visitor: Visitor, url: Any):
    assert code(site_visitor.post("global-api-kv", {"method": "GET", "url": url})) == (422, "invalid_call")


@pytest.fixture(scope="module")
def site_visitor(site: Example) -> Visitor:
    """Its own calls reach no example, so they count for no quota but the one of `live`."""
    visitor = arrive(site)
    visitor.call("global-api-kv", "GET", "/")
    return visitor


def test_a_path_stays_on_the_example_even_if_it_looks_like_another_host(stranger: Example):
    visitor = arrive(stranger)
    for url, seen in {
        "/http://example.com/": "http://localhost:8787/http://example.com/",
        "/..//example.com": "http://localhost:8787//example.com",
    }.items():
        assert json.loads(visitor.call("global-api-kv", "GET", url)["body"])["url"] == seen


def test_an_example_has_no_way_out(stranger: Example):
    ways = json.loads(arrive(stranger).call("global-api-kv", "GET", "/out")["body"])
    assert len(ways) == 5
    assert set(ways.values()) == {"Error: This sandbox has no way out."}


def test_no_header_of_an_example_reaches_the_browser(stranger: Example):
    visitor = arrive(stranger)
    visitor.call("global-api-kv", "GET", "/")
    response = visitor.post("global-api-kv", {"method": "GET", "url": "/cookies"})
    assert "set-cookie" not in response.headers and "clear-site-data" not in response.headers
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    # As data they are there: readers want to see them.
    assert ["Set-Cookie", "a=b"] in response.json()["headers"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "null"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": b"\xc2\xa0application/json"}, 415),
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
    ],
)
def test_only_scripts_of_our_own_pages_can_send(site: Example, headers: dict[str, str], status: int):
    assert arrive(site).post("global-api-kv", {"method": "GET", "url": "/"}, **headers).status_code == status


def test_what_is_no_browser_cannot_send_either(site: Example):
    response = site.http.post("/live/global-api-kv", json={"method": "GET", "url": "/"})
    assert code(response) == (403, "other_site") and "set-cookie" not in response.headers


# --- too much, too slow, too strange ------------------------------------------------------------------------------------

CALL = b'{"method":"GET","url":"/"'


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (CALL, 400),
        (b"\xff\xfe", 400),
        (b"[" * 60_000, 400),
        (b"[" * 30_000 + b"]" * 30_000, 422),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 422),
        (b"null", 422),
        (b"[]", 422),
        (b"7", 422),
        (b"{}", 422),
        (CALL + b',"visitor":"0"}', 422),
        (b'{"__proto__":{"method":"GET","url":"/"}}', 422),
        (CALL.replace(b"GET", b"get") + b"}", 422),
        (CALL.replace(b"GET", b"TRACE") + b"}", 422),
        (CALL.replace(b"GET", b"CONNECT") + b"}", 422),
        (CALL.replace(b'"GET"', b'["GET"]') + b"}", 422),
        (CALL + b',"body":7}', 422),
        (CALL + b',"body":"' + b"x" * 49_153 + b'"}', 422),
        (CALL + b',"headers":{}}', 422),
        (CALL + b',"headers":["a","b"]}', 422),
        (CALL + b',"headers":[["a","b","c"]]}', 422),
        (CALL + b',"headers":[["a",7]]}', 422),
        (CALL + b',"headers":[["a b","c"]]}', 422),
        (CALL + b',"headers":[["","c"]]}', 422),
        (CALL + b',"headers":[["a\\r\\nb","c"]]}', 422),
        (CALL + b',"headers":[["a","c\\r\\nX-Evil: 1"]]}', 422),
        (CALL + b',"headers":[["a","\\u0000"]]}', 422),
        (CALL + b',"headers":[["a","\\u0431"]]}', 422),
        (CALL + b',"headers":[["a","' + b"x" * 8_192 + b'"]]}', 422),
        (CALL + b',"headers":[' + b",".join([b'["","b"]'] * 5_000) + b"]}", 422),
        (CALL + b',"headers":[' + b",".join([b'["a","b"]'] * 10_000) + b"]}", 413),
        (CALL + b',"body":"' + b"x" * 65_536 + b'"}', 413),
    ],
    ids=range(32),
)
def test_a_broken_body_is_refused_in_words(site: Example, site_visitor: Visitor, body: bytes, status: int):
    response = site_visitor.post("global-api-kv", body)
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert (
        error["message"].endswith(".")
        and response.headers["Cache-Control"] == "no-store"
        and response.headers["X-Request-Id"]
    )


def test_a_body_that_does_not_say_its_length_is_cut_at_the_limit(site: Example):
    visitor = arrive(site)
    sent = itertools.repeat(b"x" * 8_192, 10)
    response = site.http.post("/live/global-api-kv", content=sent, headers=visitor.headers())
    assert code(response) == (413, "body_too_large")


def test_a_body_that_trickles_is_cut_at_the_deadline(site: Example):
    host = httpx.URL(site.url).netloc.decode()
    head = {"Host": host, **arrive(site).headers(), "Transfer-Encoding": "chunked", "Connection": "close"}
    with socket.create_connection(tuple(host.split(":")), timeout=PATIENCE_S) as connection:
        lines = [b"POST /live/global-api-kv HTTP/1.1", *(f"{name}: {value}".encode() for name, value in head.items())]
        connection.sendall(b"\r\n".join([*lines, b"", b""]))

        def drop() -> list[object]:
            """Send one more byte of a body without an end, and look whether an answer has come."""
            connection.sendall(b"1\r\n \r\n")
            return select.select([connection], [], [], 0.2)[0]

        until(drop, what="an answer before the end of the body")
        answer = b""
        while b"body_too_slow" not in answer:
            got = connection.recv(65_536)
            assert got, answer
            answer += got
        assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("/sleep", (504, "example_too_slow")),
        ("/trickle", (504, "example_too_slow")),
        ("/throw", (502, "example_failed")),
    ],
)
def test_a_slow_or_broken_example_is_an_answer_in_words(stranger: Example, path: str, refusal: tuple[int, str]):
    visitor = arrive(stranger)
    response = visitor.post("global-api-kv", {"method": "GET", "url": path})
    assert code(response) == refusal and "inside" not in response.text
    assert visitor.post("global-api-kv", {"method": "GET", "url": "/"}).status_code == 200, "the sandbox lives on"


def test_an_answer_without_an_end_is_cut_between_two_characters(stranger: Example):
    answer = arrive(stranger).call("global-api-kv", "GET", "/endless")
    assert answer["truncated"] is True and set(answer["body"]) == {"€", "x"}
    assert len(answer["body"].encode()) == 65_534, "the next character has three bytes"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/live/global-api-kv", 405),
        ("PUT", "/live/global-api-kv", 405),
        ("POST", "/live/status", 405),
        ("POST", "/live/nothing", 404),
        ("POST", "/live/constructor", 404),
        ("POST", "/live/edge-ai-rag", 404),
        ("GET", "/live/", 404),
        ("POST", "/live/global-api-kv/", 404),
        ("GET", "/other", 404),
    ],
)
def test_other_addresses_and_methods_are_refused(site: Example, method: str, path: str, status: int):
    assert site.http.request(method, path, headers={"Origin": site.url}).status_code == status


# --- quotas and expiry --------------------------------------------------------------------------------------------------


def test_a_sandbox_answers_so_many_calls_a_minute_and_then_again(site: Example):
    visitor = arrive(site)
    call = {"method": "GET", "url": "/v1/flags/a"}
    refused = until_limited(lambda: visitor.post("global-api-kv", call), 60)
    assert code(refused) == (429, "too_many_calls") and 0 < int(refused.headers["Retry-After"]) <= 60
    # A minute later.
    site.sql("Visitor", visitor.id, "UPDATE live_use SET minute_ms = minute_ms - 60000", worker="live-global-api-kv")
    assert visitor.post("global-api-kv", call).status_code == 200


def test_a_sandbox_has_a_last_call(stranger: Example):
    visitor = arrive(stranger)
    call = {"method": "GET", "url": "/"}
    seen = [visitor.post("global-api-kv", call) for _ in range(41)]
    assert [response.status_code for response in seen] == [200] * 40 + [429]
    assert code(seen[-1]) == (429, "sandbox_used_up") and 0 < int(seen[-1].headers["Retry-After"]) <= 86_400


def test_who_empties_a_sandbox_buys_no_new_calls(stranger: Example):
    """Nor does waiting until it is empty by itself."""
    visitor = arrive(stranger)
    call = {"method": "GET", "url": "/put?key=a&bytes=10"}
    seen = []
    for _ in range(5):
        seen += [visitor.post("global-api-kv", call).status_code for _ in range(9)]
        assert visitor.forget("global-api-kv") == 204
    assert seen == [200] * 40 + [429] * 5
    tables = "SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_%' ESCAPE '\\'"
    assert stranger.sql("Visitor", visitor.id, tables, worker="stranger") == [{"name": "live_use"}], (
        "only the count stays"
    )
    # The next day.
    stranger.sql("Visitor", visitor.id, "UPDATE live_use SET day = '2026-01-01'", worker="stranger")
    assert visitor.post("global-api-kv", call).status_code == 200


def test_a_sandbox_that_was_never_opened_or_is_empty_costs_nothing_to_empty(stranger: Example):
    visitor = arrive(stranger)
    visitor.post("global-api-kv", {"method": "GET", "url": "/"})
    assert [visitor.forget("global-api-kv") for _ in range(3)] == [204] * 3
    [use] = stranger.sql("Visitor", visitor.id, "SELECT open, calls FROM live_use", worker="stranger")
    assert use == {"open": 0, "calls": 1}


def test_a_sandbox_does_not_grow_beyond_its_quota_and_can_still_be_read(stranger: Example):
    visitor = arrive(stranger)
    sizes = []
    for n in range(20):
        response = visitor.post("global-api-kv", {"method": "GET", "url": f"/put?key={n}&bytes=30000"})
        if response.status_code == 200:
            sizes.append(json.loads(response.json()["body"])["bytes"])
        else:
            assert code(response) == (502, "example_failed")
    assert 4 <= len(sizes) < 12 and max(sizes) <= 256 * 1024
    assert visitor.call("global-api-kv", "GET", "/")["status"] == 200


def test_an_idle_sandbox_expires_and_is_empty(stranger: Example):
    visitor = arrive(stranger)
    visitor.call("global-api-kv", "GET", "/put?key=a&bytes=10")
    tables = "SELECT name FROM sqlite_master WHERE name LIKE 'live%'"

    def left() -> Any:
        return [table["name"] for table in stranger.sql("Visitor", visitor.id, tables, worker="stranger")]

    assert len(left()) == 2
    stranger.sql("Visitor", visitor.id, "UPDATE live_use SET last_ms = 0", worker="stranger")
    # How many calls there were is kept until the day is over.
    until(left, lambda tables: tables == ["live_use"])
    assert visitor.call("global-api-kv", "GET", "/")["status"] == 200, "the same visitor gets a new one"


def test_a_visitor_can_empty_the_sandbox_with_all_that_belongs_to_it(site: Example):
    visitor = arrive(site)
    with as_a_server(visitor, "private-machine-api") as url:
        page = ROOT / "docs" / "patterns" / "private-machine-api.md"
        found = [f for f in fences(page.read_text(), "page") if f.language == "console"]
        signed = [c for f in found for c in commands(f, "page") if "call.py" in c.text]
        for command in signed:
            check(command, url, "page")
    worker = "live-private-machine-api"
    assert (
        site.sql("Nonces", f"{visitor.id}/shop-backend", "SELECT count(*) AS n FROM nonces", worker=worker)[0]["n"] >= 2
    )
    assert site.sql("Visitor", visitor.id, "SELECT count(*) AS n FROM orders", worker=worker)[0]["n"] == 1
    assert visitor.forget("private-machine-api") == 204
    tables = "SELECT name FROM sqlite_master WHERE name = 'orders'"
    assert site.sql("Visitor", visitor.id, tables, worker=worker) == []
    with as_a_server(visitor, "private-machine-api") as url:
        for command in signed:
            check(command, url, "page")


@pytest.mark.parametrize(
    ("spelling", "one"),
    [
        ("::ffff:203.0.113.{n}", False),
        ("2001::3:{n:x}:5:6:192.0.2.1", False),
        ("2001:db8:1:2:{n:x}::", True),
        ("2001::3:4:{n:x}:6:192.0.2.1", True),
        ("203.0.113.77", True),
    ],
)
def test_newcomers_are_counted_by_ipv4_address_and_by_ipv6_network(site: Example, spelling: str, one: bool):
    """More than twice the limit, so that the border of a minute does not matter; without a call, no sandbox is opened."""
    answers = [Visitor(site, spelling.format(n=n)).post("global-api-kv", {}).status_code for n in range(1, 23)]
    assert set(answers) == ({422, 429} if one else {422})
    if spelling == "203.0.113.77":
        assert Visitor(site, f"::ffff:{spelling}").post("global-api-kv", {}).status_code == 429


def test_a_day_has_so_many_visitors_and_none_of_them_takes_the_place_of_another(runtime: Runtime):
    with live(runtime, variables={"VISITORS_A_DAY": 3}) as example:
        first = arrive(example)
        call = {"method": "GET", "url": "/"}
        for _ in range(8):
            assert first.post("global-api-kv", call).status_code == 200
            assert first.forget("global-api-kv") == 204
        assert first.post("static-site-api", call).status_code == 200, "one visitor, however many examples"
        seen = [visitor.post("global-api-kv", call) for visitor in (first, *(arrive(example) for _ in range(4)))]
        assert [response.status_code for response in seen] == [200, 200, 200, 429, 429]
        assert seen[-1].headers["Retry-After"]
        assert first.post("global-api-kv", call).status_code == 200, "who has one keeps it"
        assert len(example.objects("Visitor", worker="live-global-api-kv")) <= 5


def test_a_network_takes_few_places_of_a_day_whichever_cookies_it_brings(site: Example):
    call = {"method": "GET", "url": "/"}
    address = next(ADDRESSES)
    seen = [Visitor(site, address).post("global-api-kv", call) for _ in range(7)]
    assert [answer.status_code for answer in seen] == [200] * 5 + [429] * 2
    assert not [answer for answer in seen[5:] if "set-cookie" in answer.headers], "no cookie without a place"
    # With cookies of yesterday, from other networks.
    old = [arrive(site) for _ in range(7)]
    for number, visitor in enumerate(old):
        visitor.post("global-api-kv", call)
        visitor.forget("global-api-kv")
        visitor.address = f"2001:db8:7::{number}"
    site.sql("Daily", "daily", "DELETE FROM places")
    assert [visitor.post("global-api-kv", call).status_code for visitor in old] == [200] * 5 + [429] * 2


def test_a_customer_with_many_networks_of_ipv6_does_not_end_the_day_of_the_others(runtime: Runtime):
    call = {"method": "GET", "url": "/"}
    with live(runtime, variables={"VISITORS_OF_A_48": 3}) as example:
        seen = [Visitor(example, f"2001:db8:9:{n:x}::1").post("global-api-kv", call).status_code for n in range(5)]
        assert seen == [200] * 3 + [429] * 2
        assert Visitor(example, "2001:db8:a::1").post("global-api-kv", call).status_code == 200
        assert Visitor(example, "198.51.100.7").post("global-api-kv", call).status_code == 200


def test_who_empties_nothing_gets_no_cookie(site: Example):
    answer = site.http.delete("/live/global-api-kv", headers=arrive(site).headers())
    assert answer.status_code == 204 and "set-cookie" not in answer.headers


def test_three_thousand_requests_open_no_more_sandboxes_and_calls_than_the_quotas_allow(runtime: Runtime):
    """Half with one visitor's cookie, half without one, forty at once; some of them pipelined over sockets."""
    with flooded(runtime) as example:
        visitor = arrive(example)
        visitor.call("global-api-kv", "GET", "/")
        headers = [["Authorization", "Bearer local-admin-token-0123456789abcdef"], ["Content-Type", "application/json"]]
        body = json.dumps({"method": "PUT", "url": "/v1/flags/a", "headers": headers, "body": '{"enabled":true}'})
        url = f"{example.url}/live/global-api-kv"
        seen: dict[bool, Counter[int]] = {True: Counter(), False: Counter()}

        def flood(known: bool, times: int, piped: int) -> None:
            own = (visitor if known else Visitor(example, visitor.address)).headers()
            asked = {"times": times - piped, "atOnce": 20, "url": url, "headers": own, "body": body}
            answer = httpx.post(f"{example.url}/flood", json=asked)
            seen[known].update({int(status): count for status, count in answer.json().items()})
            seen[known].update(pipelined(url, own, body.encode(), piped))

        begun = time.time()
        threads = [threading.Thread(target=flood, args=(known, 1_500, 100)) for known in (True, False)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen[True].total() == seen[False].total() == 1_500
        assert set(seen[True]) == set(seen[False]) == {200, 429}
        # The limiters count in whole minutes: a flood on a slow machine meets several of them.
        minutes = int(time.time() // 60) - int(begun // 60) + 1
        assert seen[True][200] <= minutes * 60 and seen[False][200] == 4, "the fifth place is the visitor's"
        assert len(example.objects("Visitor", worker="live-global-api-kv")) <= 1 + minutes * 10
        [use] = example.sql("Visitor", visitor.id, "SELECT calls FROM live_use", worker="live-global-api-kv")
        assert use["calls"] == 1 + seen[True][200]


def pipelined(url: str, headers: dict[str, str], body: bytes, times: int) -> Counter[int]:
    """Send a request many times over one connection, without waiting for answers, and count each status."""
    host, path = re.fullmatch(r"http://([^/]+)(/.*)", url).groups()
    lines = [f"{name}: {value}" for name, value in {"Host": host, **headers, "Content-Length": len(body)}.items()]
    request = "\r\n".join([f"POST {path} HTTP/1.1", *lines, "", ""]).encode() + body
    seen: Counter[int] = Counter()
    with socket.create_connection(tuple(host.split(":")), timeout=PATIENCE_S) as connection:
        connection.sendall(request * times)
        rest = b""
        while seen.total() < times:
            got = connection.recv(262_144)
            assert got, f"the connection ended after {seen.total()} answers"
            rest += got
            found = list(re.finditer(rb"HTTP/1\.1 (\d{3}) ", rest))
            seen.update(int(match[1]) for match in found)
            rest = rest[found[-1].end() :] if found else rest
    return seen


# --- what its README says -----------------------------------------------------------------------------------------------

README = (LIVE / "README.md").read_text()


def test_the_readme_names_the_quotas_of_the_code():
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", README.partition("| Quota |")[2], flags=re.M))
    sandbox = (LIVE / "sandbox" / "sandbox.ts").read_text()
    settings = tomllib.loads((LIVE / "wrangler.toml").read_text())
    new_visitors = next(limit["simple"] for limit in settings["ratelimits"] if limit["name"] == "NEW_VISITORS")
    assert new_visitors == {"limit": int(rows["New visitors of an address, in a minute and a location"]), "period": 60}
    assert f"callsPerMinute: number = {rows['Calls of a sandbox in a minute']};" in sandbox
    assert f"callsPerDay: number = {rows['Calls of a sandbox in a day']};" in sandbox
    assert f"idleMs: number = {rows['Idle time, then it is emptied'].split()[0]} * MINUTE_MS;" in sandbox
    assert f"mostBytes: number = {rows['Storage of a sandbox'].split()[0]} * 1024;" in sandbox
    assert settings["vars"]["VISITORS_A_DAY"] == int(rows["Visitors of a day"])
    of_a_network = "Visitors of a day, of one network (an IPv4 address, an IPv6 /64)"
    assert settings["vars"]["VISITORS_OF_A_NETWORK"] == int(rows[of_a_network])
    assert settings["vars"]["VISITORS_OF_A_48"] == int(rows["Visitors of a day, of an IPv6 /48"])
    assert f"It takes {settings['vars']['VISITORS_A_DAY'] // int(rows[of_a_network])} networks" in README


def test_the_readme_deploys_every_worker_and_those_that_are_called_first():
    deployed = re.search(r"^for slug in (.+); do$", README, flags=re.M)
    assert sorted(deployed[1].split()) == HOSTED
    assert deployed.start() < README.index("deploy --config hosting/live/wrangler.toml")


def test_the_costs_in_the_readme_follow_from_the_facts():
    files = [
        yaml.safe_load((ROOT / "docs" / "data" / "facts" / f"{name}.yml").read_text())
        for name in ("workers", "durable-objects")
    ]
    fact = {one["id"]: one["value"] for file in files for one in file}
    rows = {
        name: (int(calls.replace(",", "")), usd)
        for name, calls, usd in re.findall(r"^\| ([^|]+) \| ([\d,]+) \| (\d+\.\d\d) \|$", README, flags=re.M)
    }
    settings = tomllib.loads((LIVE / "wrangler.toml").read_text())
    assert rows["Every quota used up, every day"][0] == settings["vars"]["VISITORS_A_DAY"] * len(HOSTED) * 100 * 30
    assert len(rows) == 3
    for name, (calls, usd) in rows.items():
        millions = calls / 1e6
        meters = [
            (millions, fact["workers-requests-included"], fact["workers-request-price"]),
            (millions * 20, fact["workers-cpu-included"], fact["workers-cpu-price"]),
            (millions * 2, fact["do-requests-included"], fact["do-request-price"]),
            (millions * 8, fact["do-rows-written-included"], fact["do-rows-written-price"]),
            (millions * 0.2 * 0.128, fact["do-duration-included"] / 1e6, fact["do-duration-price"]),
        ]
        total = fact["workers-paid-minimum"] + sum(max(0, used - included) * price for used, included, price in meters)
        assert f"{total:.2f}" == usd, name
