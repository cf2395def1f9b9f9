"""The gateway and the Workers behind it, as callers, strangers and the operator meet them."""

import json
import tomllib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from runtime.workers import Example, Runtime, WorkerError
from tests.snippets.private_machine_api.support import (
    ANONYMOUS,
    BILLING_KEY,
    FOLDER,
    FORBIDDEN,
    KEYS,
    call,
    gateway,
    post_order,
    raw,
    refusal,
    send,
    signed,
)
from tests.snippets.private_machine_api.tls import described

ISSUER = "ab" * 20
WAREHOUSE = described(
    {
        "certPresented": "1",
        "certVerified": "SUCCESS",
        "certRevoked": "0",
        "certIssuerSKI": ISSUER,
        "certFingerprintSHA256": "2" * 64,
    }
)
ORDERS = "/v1/orders"
SUMMARY = "/v1/reports/summary"
BILLING = {"key_id": "billing-job", "key": BILLING_KEY}


@pytest.fixture(scope="module")
def api(runtime: Runtime) -> Iterator[Example]:
    with gateway(runtime, MTLS_ISSUER_SKI=ISSUER) as example:
        yield example


@pytest.fixture
def no_orders(api: Example) -> None:
    api.d1("DB", "DELETE FROM orders", worker="internal-a")


# Strangers


@pytest.mark.parametrize(
    "path",
    ["/", ORDERS, f"{ORDERS}/1", SUMMARY, "/v1/nothing", "/healthz/", "/healthz/x", "/.env", "/cdn-cgi/access/certs"],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
def test_a_stranger_gets_401_everywhere_and_learns_no_path(api, method, path):
    assert refusal(send(api, method, path)) == ANONYMOUS


def test_a_401_names_the_proof_that_was_expected(api):
    assert api.http.get(ORDERS).headers["www-authenticate"].startswith('HMAC-SHA256 realm="api"')


def test_health_needs_no_proof_and_shows_no_data(api):
    response = api.http.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"ok": True})
    assert refusal(api.http.post("/healthz")) == ANONYMOUS


@pytest.mark.parametrize(
    "identity",
    [
        {"X-Caller": "billing-job"},
        {"X-Key-Id": "billing-job"},
        {"Cf-Access-Authenticated-User-Email": "admin@example.com"},
        {"CF-Access-Client-Id": "11111111111111111111111111111111.access", "CF-Access-Client-Secret": "cfast_x"},
        {"Cookie": "CF_Authorization=x"},
        {"Authorization": "Bearer x"},
        {"CF-Connecting-IP": "127.0.0.1", "X-Forwarded-For": "127.0.0.1"},
        {"CF-Worker": "internal-a"},
        {"X-Real-IP": "10.0.0.1"},
        {"Client-Cert": ":MIIB:"},
    ],
    ids=", ".join,
)
def test_an_identity_that_the_client_writes_itself_changes_nothing(api, identity):
    assert refusal(send(api, "GET", SUMMARY, identity)) == ANONYMOUS
    mine = {**identity, **signed("GET", SUMMARY)}
    assert refusal(send(api, "GET", SUMMARY, mine)) == FORBIDDEN
    body = b'{"reference":"mine","amountCents":1}'
    written = send(api, "POST", ORDERS, {**identity, **signed("POST", ORDERS, body)}, body)
    assert written.json()["owner"] == "shop-backend"


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL"])
def test_a_header_does_not_change_method_or_path(api, header):
    for value in ("GET", SUMMARY):
        assert refusal(send(api, "GET", SUMMARY, {header: value, **signed("GET", SUMMARY)})) == FORBIDDEN


# The table of callers


ALLOWED = {
    "shop-backend": {("GET", ORDERS), ("POST", ORDERS), ("GET", f"{ORDERS}/1")},
    "billing-job": {("GET", ORDERS), ("GET", f"{ORDERS}/1"), ("GET", SUMMARY)},
    "warehouse-agent": {("GET", f"{ORDERS}/1")},
}
PATHS = [
    ORDERS,
    f"{ORDERS}/1",
    SUMMARY,
    "/v1/orders/",
    "/v1/orders/1/2",
    "/v1/reports",
    "/V1/orders",
    "/v1/orders%2F1/x",
    "/v2/orders",
    "/",
    "/healthz/x",
]


@pytest.mark.parametrize("caller", ALLOWED)
def test_a_caller_may_do_what_the_table_says_and_nothing_else(api, caller):
    for path in PATHS:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            body = b"{}" if method == "POST" else b""
            proof = signed(method, path, body, key_id=caller, key=KEYS[caller][0]) if caller in KEYS else WAREHOUSE
            response = send(api, method, path, proof, body)
            if (method, path) in ALLOWED[caller]:
                assert response.status_code in (200, 400, 404), (method, path)
            else:
                assert refusal(response) == FORBIDDEN, (method, path)


def test_a_caller_of_its_own_orders_sees_no_others(api, no_orders):
    mine = post_order(api, "mine").json()
    api.d1(
        "DB",
        "INSERT INTO orders (id, owner, reference, amount_cents, created_at) VALUES ('theirs', 'another', 'a', 5, 1)",
        worker="internal-a",
    )
    assert [o["id"] for o in call(api, "GET", ORDERS).json()["orders"]] == [mine["id"]]
    assert call(api, "GET", f"{ORDERS}?owner=shop-backend").status_code == 200
    assert refusal(call(api, "GET", f"{ORDERS}?owner=another")) == FORBIDDEN
    assert refusal(call(api, "GET", f"{ORDERS}/theirs")) == (404, "not_found")
    assert call(api, "GET", f"{ORDERS}/{mine['id']}").json() == mine


def test_a_caller_of_all_orders_sees_all_and_may_filter(api, no_orders):
    post_order(api, "one")
    api.d1(
        "DB",
        "INSERT INTO orders (id, owner, reference, amount_cents, created_at) VALUES ('theirs', 'another', 'a', 5, 1)",
        worker="internal-a",
    )
    assert {o["owner"] for o in call(api, "GET", ORDERS, **BILLING).json()["orders"]} == {"shop-backend", "another"}
    assert [o["id"] for o in call(api, "GET", f"{ORDERS}?owner=another", **BILLING).json()["orders"]] == ["theirs"]
    assert send(api, "GET", f"{ORDERS}/theirs", WAREHOUSE).json()["amountCents"] == 5


# Orders


def test_an_order_is_stored_once_however_often_its_caller_retries(api, no_orders):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post_order(api, "retried"), range(8)))
    assert sorted(a.status_code for a in answers) == [200] * 7 + [201]
    assert len({a.json()["id"] for a in answers}) == 1
    assert refusal(post_order(api, "retried", 9999)) == (409, "conflict")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        b"null",
        b"[]",
        b"1",
        b'"x"',
        b"{}",
        b"\xff",
        b"\xed\xa0\x80",
        b'{"reference":"a"}',
        b'{"amountCents":1}',
        *[
            json.dumps({"reference": r, "amountCents": 1}).encode()
            for r in ("", "a" * 65, "a b", "é", "a/b", 1, None, ["a"])
        ],
        *[
            json.dumps({"reference": "a", "amountCents": a}).encode()
            for a in (0, -1, 1.5, "1", None, True, 100_000_001, [1])
        ],
        b'{"reference":"a","amountCents":1e400}',
        b'{"reference":"a","amountCents":1,"owner":"another"}',
        b'{"reference":"a","amountCents":1,"status":"expired"}',
        b'{"__proto__":{"reference":"a","amountCents":1}}',
        b"[" * 200_000 + b"]" * 200_000,
        b'{"reference":' * 50_000 + b"1" + b"}" * 50_000,
    ],
    ids=lambda b: b.decode(errors="replace")[:40],
)
def test_an_order_of_any_other_shape_is_refused_with_400(api, body):
    assert refusal(call(api, "POST", ORDERS, body)) == (400, "invalid")


def test_an_unknown_field_is_named_without_half_a_character(api):
    body = json.dumps({"reference": "a", "amountCents": 1, "x" * 39 + "😀" * 9: 1}).encode()
    answer = call(api, "POST", ORDERS, body)
    assert refusal(answer) == (400, "invalid") and 'x😀\\"' in answer.text


@pytest.mark.parametrize("before", ["", "x", "-1", "1.5", "1e3", "0x10", "%201", "1;DROP", "9" * 17, "Infinity"])
def test_a_page_starts_at_a_whole_number(api, before):
    assert refusal(call(api, "GET", f"{ORDERS}?before={before}")) == (400, "invalid")


def test_sql_in_a_value_stays_a_value(api, no_orders):
    post_order(api, "kept")
    for value in ("%27%20OR%20%271%27=%271", "x%27;DROP%20TABLE%20orders;--"):
        assert call(api, "GET", f"{ORDERS}?owner={value}", **BILLING).json()["orders"] == []
        assert refusal(call(api, "GET", f"{ORDERS}/{value}", **BILLING)) == (404, "not_found")
    assert len(call(api, "GET", ORDERS).json()["orders"]) == 1


def test_a_long_list_comes_in_pages_of_a_hundred(api, no_orders):
    api.d1(
        "DB",
        "INSERT INTO orders (id, owner, reference, amount_cents, created_at) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 230) "
        "SELECT 'id-' || i, 'shop-backend', 'r' || i, 100, 1 FROM n",
        worker="internal-a",
    )
    seen, target = [], ORDERS
    while target:
        page = call(api, "GET", target).json()
        seen.append(len(page["orders"]))
        target = page["next"] and f"{ORDERS}?before={page['next']}"
    assert seen == [100, 100, 30]
    assert call(api, "GET", SUMMARY, **BILLING).json() == {"orders": 230, "amountCents": 23_000, "averageCents": 100}


# Limits and faults


def test_a_caller_above_its_limit_gets_429_and_the_others_do_not(runtime):
    with gateway(runtime, MTLS_ISSUER_SKI=ISSUER) as api:

        def ask(times: int) -> list[int]:
            with closing(HTTPConnection(urlsplit(api.url).netloc)) as connection:
                statuses = []
                for _ in range(times):
                    connection.request("GET", "/v1/nothing", headers=WAREHOUSE)
                    response = connection.getresponse()
                    response.read()
                    statuses.append(response.status)
            return statuses

        statuses = Counter()
        with ThreadPoolExecutor(8) as pool:
            # The counter may start a new minute while this runs, so the limit is met after 1,000 requests or more.
            while not statuses[429] and statuses.total() < 20_000:
                statuses.update(status for part in pool.map(ask, [32] * 8) for status in part)
        assert statuses[403] >= 1_000 and statuses[429] and statuses.keys() == {403, 429}, "refused requests count too"
        response = send(api, "GET", f"{ORDERS}/1", WAREHOUSE)
        assert refusal(response) == (429, "rate_limited")
        assert response.headers["retry-after"] == "60"
        assert call(api, "GET", ORDERS).status_code == 200


def test_a_broken_database_shows_callers_nothing_and_the_log_names_the_request(runtime):
    with gateway(runtime, migrated=False) as api:
        for target, caller in ((ORDERS, {}), (SUMMARY, BILLING), (f"{ORDERS}/1", {})):
            response = call(api, "GET", target, **caller)
            assert refusal(response) == (500, "internal")
            assert "orders" not in response.json()["error"]["message"]
            assert any(response.headers["x-request-id"] in line and '"failed"' in line for line in api.logs())


def test_the_log_says_who_did_what_and_why_somebody_was_refused(api):
    done = call(api, "GET", ORDERS)
    late = call(api, "GET", ORDERS, at=-900)
    lines = {
        json.loads(line.partition(": ")[2])["requestId"]: json.loads(line.partition(": ")[2])
        for line in api.logs()
        if '"requestId"' in line
    }
    assert lines[done.headers["x-request-id"]] == {
        "event": "allowed",
        "requestId": done.headers["x-request-id"],
        "caller": "shop-backend",
        "route": "GET /v1/orders",
    }
    assert lines[late.headers["x-request-id"]]["reason"] == "hmac: shop-backend: outside the window"


# Workers without a public way in


@pytest.mark.parametrize("worker", ["internal-a", "internal-b", "worker-x"])
def test_an_internal_worker_has_no_address(worker):
    config = tomllib.loads((FOLDER / worker / "wrangler.toml").read_text())
    assert config["workers_dev"] is False and config["preview_urls"] is False
    assert not config.keys() & {"route", "routes", "custom_domain", "assets", "env"}


def test_the_gateway_has_host_names_and_no_workers_dev_address():
    config = tomllib.loads((FOLDER / "gateway" / "wrangler.toml").read_text())
    assert config["workers_dev"] is False and config["preview_urls"] is False
    assert config["routes"] and all(route["custom_domain"] for route in config["routes"])


@pytest.mark.parametrize(
    "name", ["internal-a", "internal-b", "worker-x", "internal-a.example.com", "localhost", "api.example.com"]
)
def test_whatever_host_or_address_is_asked_for_the_gateway_answers(api, name):
    for line in (
        b"GET /summary HTTP/1.1",
        f"GET http://{name}/summary HTTP/1.1".encode(),
        b"GET //internal-b/summary HTTP/1.1",
    ):
        answer = raw(
            api, line, [("Host", name), ("MF-Original-URL", f"http://{name}/summary"), ("X-Forwarded-Host", name)]
        )
        assert refusal(answer) == ANONYMOUS


@pytest.mark.parametrize("worker", ["internal-a", "internal-b", "worker-x"])
def test_even_a_route_added_by_mistake_would_show_nothing(api, worker):
    for path in ("/", "/v1/orders", "/summary", "/list", "/expire"):
        try:
            answer = api.ask("fetch", worker=worker, url=f"http://{worker}{path}", init={"method": "POST"})
            shown = (answer["status"], answer["body"])
        except WorkerError as error:
            shown = str(error).lower()
        assert shown == (404, "") or "handler" in shown


@pytest.mark.parametrize(
    ("worker", "method", "arguments"),
    [
        ("gateway", "expire", [0]),
        ("gateway", "totals", []),
        ("internal-b", "expire", [0]),
        ("internal-b", "list", [{"id": "x", "sees": "all"}, None, 9, 9]),
        ("worker-x", "totals", []),
        ("worker-x", "create", [{"id": "x", "sees": "all"}, "{}"]),
        ("worker-x", "get", [{"id": "x", "sees": "all"}, "1"]),
    ],
)
def test_a_worker_calls_only_the_methods_that_its_binding_was_given(api, worker, method, arguments):
    with pytest.raises(WorkerError, match=f"{worker} may not call this"):
        api.call("ORDERS", method, *arguments, worker=worker)


def test_a_worker_calls_the_methods_that_its_binding_was_given(api, no_orders):
    assert api.call("ORDERS", "list", {"id": "x", "sees": "all"}, None, 9, 9, worker="gateway") == []
    assert api.call("ORDERS", "totals", worker="internal-b") == {"orders": 0, "amountCents": 0}
    assert api.call("ORDERS", "expire", 0, worker="worker-x") == 0


def test_the_nightly_worker_closes_old_open_orders_and_touches_no_other(api, no_orders):
    day_ms = 24 * 60 * 60 * 1000
    for name, age_days, status in (
        ("old", 31, "open"),
        ("older", 400, "open"),
        ("young", 29, "open"),
        ("closed", 31, "expired"),
    ):
        api.d1(
            "DB",
            "INSERT INTO orders (id, owner, reference, amount_cents, status, created_at) VALUES (?1, 'o', ?1, 7, ?2, unixepoch() * 1000 - ?3)",
            name,
            status,
            age_days * day_ms,
            worker="internal-a",
        )
    before = api.d1("DB", "SELECT * FROM orders WHERE id IN ('young', 'closed') ORDER BY id", worker="internal-a")
    assert api.scheduled("0 3 * * *", worker="worker-x")["outcome"] == "ok"
    assert api.d1("DB", "SELECT id FROM orders WHERE status = 'open'", worker="internal-a") == [{"id": "young"}]
    assert (
        api.d1("DB", "SELECT * FROM orders WHERE id IN ('young', 'closed') ORDER BY id", worker="internal-a") == before
    )
    assert any('"orders expired","expired":2' in line for line in api.logs())


def test_the_nightly_worker_finds_open_orders_by_an_index(api):
    plan = api.d1(
        "DB",
        "EXPLAIN QUERY PLAN UPDATE orders SET status = 'expired' WHERE status = 'open' AND created_at < 1",
        worker="internal-a",
    )
    assert any("open_orders" in row["detail"] for row in plan)


def test_the_port_of_the_example_is_only_on_this_machine(api):
    assert urlsplit(api.url).hostname == "127.0.0.1"
