"""Signed requests: the right ones pass, and everything that an attacker can change, repeat or time does not."""

import hmac
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from runtime.workers import Example, Runtime
from tests.snippets.private_machine_api.support import (
    ANONYMOUS,
    BILLING_KEY,
    FORBIDDEN,
    KEY,
    LIMIT_BYTES,
    OLD_KEY,
    THIRD_KEY,
    UNAVAILABLE,
    call,
    expect_nothing_secret,
    gateway,
    host,
    raw,
    refusal,
    send,
    signed,
)
from tests.support.patience import until

ORDERS = "/v1/orders"
OUTSIDE = "/outside/the/table"
HEADERS = ["X-Key-Id", "X-Timestamp", "X-Nonce", "X-Content-SHA256", "X-Signature"]
BILLING = {"key_id": "billing-job", "key": BILLING_KEY}
PROBE = Path(__file__).parent / "private_machine_api" / "hmac_probe"


@pytest.fixture(scope="module")
def api(runtime: Runtime) -> Iterator[Example]:
    with gateway(runtime) as example:
        yield example


# What an honest caller sees


@pytest.mark.parametrize(
    "target", [ORDERS, f"{ORDERS}?before=9", f"{ORDERS}?owner=shop-backend&x=%C3%A9%20%27&y=a/b?c"]
)
def test_a_signed_read_is_answered(api, target):
    assert call(api, "GET", target).json()["orders"] == []


def test_a_signed_write_with_a_body_is_stored_for_the_caller_who_signed(api):
    body = json.dumps({"reference": "signed", "amountCents": 1}).encode()
    response = call(api, "POST", ORDERS, body)
    assert (response.status_code, response.json()["owner"]) == (201, "shop-backend")
    api.d1("DB", "DELETE FROM orders", worker="internal-a")


def test_a_body_may_be_empty_and_a_read_may_have_one(api):
    assert refusal(call(api, "POST", ORDERS, b"")) == (400, "invalid")
    assert call(api, "GET", ORDERS, b"signed as well").status_code == 200


@pytest.mark.parametrize("target", ["/", "/v1/orders/%C3%A9", "/a%2Fb/%25/~x", "/v1/orders/it's", "/a;b=c,d/@:!$&()*+"])
def test_a_path_with_encoded_or_unusual_characters_can_be_signed(api, target):
    assert refusal(call(api, "GET", target)) in (FORBIDDEN, (404, "not_found"))


# On its way a request grows older: what is near the end of the window is near its far end.
@pytest.mark.parametrize("seconds", [-200, 298])
def test_a_clock_that_is_wrong_by_less_than_the_window_does_no_harm(api, seconds):
    assert call(api, "GET", ORDERS, at=seconds).status_code == 200


@pytest.mark.parametrize("nonce", ["a" * 16, "-_" * 32])
def test_a_nonce_has_16_to_64_characters(api, nonce):
    assert call(api, "GET", ORDERS, nonce=nonce).status_code == 200


# What an attacker tries


@pytest.mark.parametrize("seconds", [-302, 400, -86_400, 86_400])
def test_a_request_from_too_long_ago_or_from_the_future_is_refused(api, seconds):
    assert refusal(call(api, "GET", ORDERS, at=seconds)) == ANONYMOUS


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("POST", ORDERS, b'{"reference":"t","amountCents":2}'),
        ("POST", ORDERS, b""),
        ("POST", f"{ORDERS}?owner=x", b'{"reference":"t","amountCents":1}'),
        ("POST", f"{ORDERS}/", b'{"reference":"t","amountCents":1}'),
        ("PUT", ORDERS, b'{"reference":"t","amountCents":1}'),
        ("GET", ORDERS, b'{"reference":"t","amountCents":1}'),
    ],
    ids=["body", "no body", "query", "path", "method", "method to a read"],
)
def test_a_request_that_was_changed_on_the_way_is_refused(api, method, target, body):
    headers = signed("POST", ORDERS, b'{"reference":"t","amountCents":1}')
    assert refusal(send(api, method, target, headers, body)) == ANONYMOUS


@pytest.mark.parametrize("header", ["X-Timestamp", "X-Nonce", "X-Key-Id"])
def test_a_header_that_was_changed_on_the_way_is_refused(api, header):
    headers = signed("GET", ORDERS)
    other = {"X-Timestamp": str(int(time.time()) + 1), "X-Nonce": "n" * 24, "X-Key-Id": "billing-job"}
    assert refusal(send(api, "GET", ORDERS, headers | {header: other[header]})) == ANONYMOUS


@pytest.mark.parametrize("order", ["a=1&b=2 as b=2&a=1", "a=1 as a=1&a=1", "a=1 as a=1&", "a=1 as A=1", "a=1 as "])
def test_a_query_is_signed_byte_for_byte(api, order):
    first, second = order.split(" as ")
    headers = signed("GET", f"{ORDERS}?{first}")
    assert refusal(send(api, "GET", f"{ORDERS}?{second}", headers)) == ANONYMOUS


@pytest.mark.parametrize(
    "key_id", ["unknown", "nobody", "__proto__", "constructor", "toString", "SHOP-BACKEND", "é", ""]
)
def test_a_key_id_that_is_not_in_the_table_is_refused(api, key_id):
    headers = {
        k: v.encode()
        for k, v in signed("GET", ORDERS, key_id=key_id, key="a-key-id-outside-the-table-0123456789").items()
    }
    assert refusal(send(api, "GET", ORDERS, headers)) == ANONYMOUS


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s[:-1],
        lambda s: s + "0",
        lambda s: s[:3] + s[3:].upper(),
        lambda s: s.upper(),
        lambda s: s[3:],
        lambda s: s.replace("v2", "v3"),
        lambda s: "v2=",
        lambda s: "",
        lambda s: "v2=" + "0" * 64,
        lambda s: "v2=" + "g" * 64,
        lambda s: f"{s}, {s}",
        lambda s: f"{s} {s}",
        lambda s: "v2=" + KEY,
    ],
    ids=[
        "truncated",
        "longer",
        "upper-case hex",
        "upper-case",
        "without v2",
        "v3",
        "no hex",
        "empty",
        "zeros",
        "not hex",
        "joined",
        "doubled",
        "the key itself",
    ],
)
def test_a_signature_in_any_other_form_is_refused(api, change):
    headers = signed("GET", ORDERS)
    assert refusal(send(api, "GET", ORDERS, headers | {"X-Signature": change(headers["X-Signature"])})) == ANONYMOUS


@pytest.mark.parametrize(
    "clock", ["", "now", "-{}", "+{}", "0{}", "{}.0", "{}.", "{}e0", "{:#x}", "{:,}", "{}000", "{0},{0}", "{}n"]
)
def test_a_timestamp_is_ten_digits_and_nothing_else(api, clock):
    assert refusal(call(api, "GET", ORDERS, clock=clock)) == ANONYMOUS


@pytest.mark.parametrize("nonce", ["", "a" * 15, "a" * 65, "a" * 15 + "+", "a" * 15 + "=", "a b" * 6, "a" * 15 + "é"])
def test_a_nonce_of_another_form_is_refused(api, nonce):
    headers = signed("GET", ORDERS, nonce=nonce or "x" * 20) | {"X-Nonce": nonce}
    assert refusal(send(api, "GET", ORDERS, {k: v.encode() for k, v in headers.items()})) == ANONYMOUS


@pytest.mark.parametrize("missing", HEADERS)
def test_a_request_without_one_of_the_five_headers_is_refused(api, missing):
    headers = signed("GET", ORDERS)
    del headers[missing]
    assert refusal(send(api, "GET", ORDERS, headers)) == ANONYMOUS


@pytest.mark.parametrize("twice", HEADERS)
def test_a_header_sent_twice_is_refused_even_when_both_say_the_same(api, twice):
    headers = [host(api), *signed("GET", ORDERS).items()]
    headers.append((twice.lower(), dict(headers)[twice]))
    assert refusal(raw(api, b"GET /v1/orders HTTP/1.1", headers)) == ANONYMOUS


def test_every_refused_proof_gets_the_same_answer_so_that_nothing_can_be_learned(api):
    answers = {
        send(api, "GET", ORDERS, headers).text
        for headers in (
            {},
            signed("GET", ORDERS, at=-999),
            signed("GET", ORDERS, key="x" * 40),
            signed("GET", ORDERS, key_id="unknown"),
            signed("GET", ORDERS) | {"X-Signature": "v2="},
        )
    }
    assert len(answers) == 1


@pytest.mark.parametrize("prefix", ["v1", "v2"])
@pytest.mark.parametrize("without", [[], ["X-Content-SHA256"]], ids=["with the new header", "as it was sent"])
def test_a_signature_in_the_old_form_is_refused(api, prefix, without):
    """Version 1 signed five lines, and the gateway read the body to make the fifth."""
    headers = signed("GET", ORDERS)
    text = "\n".join(["GET", ORDERS, headers["X-Timestamp"], headers["X-Nonce"], headers["X-Content-SHA256"]])
    headers["X-Signature"] = f"{prefix}={hmac.digest(KEY.encode(), text.encode(), 'sha256').hex()}"
    sent = {name: value for name, value in headers.items() if name not in without}
    assert refusal(send(api, "GET", ORDERS, sent)) == ANONYMOUS


# Replays


def test_a_request_cannot_be_sent_twice(api):
    headers = signed("GET", ORDERS)
    assert send(api, "GET", ORDERS, headers).status_code == 200
    assert refusal(send(api, "GET", ORDERS, headers)) == ANONYMOUS


def test_a_new_signature_does_not_bring_a_used_nonce_back(api):
    assert call(api, "GET", ORDERS, nonce="used-nonce-000000").status_code == 200
    assert refusal(call(api, "GET", f"{ORDERS}?x=1", nonce="used-nonce-000000", at=-5)) == ANONYMOUS


def test_of_twenty_copies_sent_at_once_exactly_one_wins(api):
    for _ in range(2):
        headers = signed("GET", ORDERS)
        start = threading.Barrier(20)

        def copy(_: int, headers=headers, start=start) -> int:
            with httpx.Client() as client:
                start.wait()
                return client.get(api.url + ORDERS, headers=headers).status_code

        with ThreadPoolExecutor(20) as pool:
            assert sorted(pool.map(copy, range(20))) == [200] + [401] * 19


def test_who_has_no_key_cannot_use_up_a_nonce(api):
    nonce = "guessed-nonce-0001"
    for forged in ({"key": "x" * 40}, {"at": -999}, {"key_id": "billing-job"}):
        assert refusal(call(api, "GET", ORDERS, nonce=nonce, **forged)) == ANONYMOUS
    assert call(api, "GET", ORDERS, nonce=nonce).status_code == 200


def test_the_nonces_of_one_caller_do_not_block_those_of_another(api):
    nonce = "the-same-for-both-1"
    assert call(api, "GET", ORDERS, nonce=nonce).status_code == 200
    assert call(api, "GET", ORDERS, nonce=nonce, **BILLING).status_code == 200
    assert api.sql("Nonces", "billing-job", "SELECT count(*) AS n FROM nonces WHERE nonce = ?", nonce) == [{"n": 1}]


def test_a_used_nonce_is_remembered_when_its_object_leaves_memory(api):
    headers = signed("GET", ORDERS)
    assert send(api, "GET", ORDERS, headers).status_code == 200
    api.ask("evict", object="Nonces", name="shop-backend")
    assert refusal(send(api, "GET", ORDERS, headers)) == ANONYMOUS


def test_a_used_nonce_is_kept_longer_than_its_signature_could_pass(api):
    for at in (-200, 0, 290):
        headers = signed("GET", ORDERS, at=at)
        assert send(api, "GET", ORDERS, headers).status_code == 200
        rows = api.sql("Nonces", "shop-backend", "SELECT expires_s FROM nonces WHERE nonce = ?", headers["X-Nonce"])
        assert rows == [{"expires_s": int(headers["X-Timestamp"]) + 360}]


def test_a_body_that_trickles_in_until_the_window_is_over_is_refused(api):
    body = b'{"reference": "slow", "amountCents": 1}'
    headers = signed("POST", ORDERS, body, at=-297)
    request = [host(api), ("Content-Length", str(len(body))), *headers.items()]
    assert refusal(raw(api, b"POST /v1/orders HTTP/1.1", request, body, last_byte_after_s=4)) == ANONYMOUS
    assert "shop-backend: outside the window" in api.logs()[-1]


def test_a_refused_request_stores_nothing(api):
    before = api.sql("Nonces", "shop-backend", "SELECT count(*) AS n FROM nonces")
    for forged in ({"key": "x" * 40}, {"at": -999}, {"nonce": "short"}):
        call(api, "GET", ORDERS, **forged)
    send(api, "POST", ORDERS, signed("POST", ORDERS, b"{}"), b"[]")
    assert api.sql("Nonces", "shop-backend", "SELECT count(*) AS n FROM nonces") == before


def test_headers_that_were_copied_buy_their_thief_nothing_and_the_caller_keeps_them(api):
    """Another body, or one that is too large, leaves the nonce to whoever has the body that was signed."""
    body = b'{"reference":"copied","amountCents":1}'
    headers = signed("POST", ORDERS, body)
    assert refusal(send(api, "POST", ORDERS, headers, body.replace(b"1", b"9"))) == ANONYMOUS
    assert "shop-backend: another body" in api.logs()[-1]
    assert refusal(send(api, "POST", ORDERS, headers, b"x" * (LIMIT_BYTES + 1))) == (413, "too_large")
    assert send(api, "POST", ORDERS, headers, body).status_code == 201
    api.d1("DB", "DELETE FROM orders", worker="internal-a")


def test_a_caller_who_fills_the_memory_of_nonces_is_slowed_down_and_it_does_not_grow(runtime):
    with gateway(runtime, migrated=False) as api:
        assert refusal(call(api, "GET", OUTSIDE)) == FORBIDDEN
        api.sql(
            "Nonces",
            "shop-backend",
            "INSERT INTO nonces WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 49999) "
            "SELECT 'filled-' || i, 9999999999 FROM n",
        )
        api.ask("evict", object="Nonces", name="shop-backend")
        assert [refusal(call(api, "GET", OUTSIDE)) for _ in range(2)] == [FORBIDDEN, (429, "rate_limited")]
        assert api.sql("Nonces", "shop-backend", "SELECT count(*) AS n FROM nonces") == [{"n": 50_000}]
        assert refusal(call(api, "GET", OUTSIDE, **BILLING)) == FORBIDDEN, "the others have room"


@pytest.fixture(scope="module")
def probe(runtime: Runtime) -> Iterator[Example]:
    with runtime.example(PROBE, secrets={"HMAC_KEYS": json.dumps({"shop-backend": [KEY]})}) as example:
        yield example


def test_the_alarm_removes_expired_nonces_and_keeps_the_others(probe):
    second = int(time.time())

    def accept(nonce: str, expires: int) -> bool:
        answer = probe.http.get("/", params={"key": "k", "nonce": nonce, "expires": expires}).json()
        assert answer["had"] == (answer["stored"] == "used"), "looking is right, and is not storing"
        return answer["stored"] == "new"

    assert accept("expires-soon", second) and accept("kept", second + 300)
    until(lambda: probe.sql("Nonces", "k", "SELECT nonce FROM nonces"), lambda rows: rows == [{"nonce": "kept"}])
    assert accept("expires-soon", second + 300), "a cleaned nonce is a new one"
    assert not accept("kept", second + 300)


def test_a_full_memory_without_an_alarm_empties_all_the_same(probe):
    """As after an alarm that failed until the runtime gave it up."""
    rows = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) SELECT 'old-' || i, 1 FROM n"
    )
    probe.sql("Nonces", "full", f"INSERT INTO nonces {rows}")
    probe.evict("Nonces", "full")
    ask = {"key": "full", "nonce": "new", "expires": int(time.time())}
    assert probe.http.get("/", params=ask).json()["stored"] == "full"
    until(lambda: probe.sql("Nonces", "full", "SELECT count(*) AS n FROM nonces"), lambda found: found == [{"n": 0}])


LOOK, READ, STORE = "look for the nonce", "read the body", "store the nonce"
REPLAYED = "a-nonce-used-before"


@pytest.mark.parametrize(
    ("proof", "sent", "steps", "end"),
    [
        ({"key_id": "unknown"}, b"{}", [], "unknown key id: wrong signature"),
        ({"key": "x" * 40}, b"{}", [], "shop-backend: wrong signature"),
        ({"nonce": "short"}, b"{}", [], "shop-backend: malformed x-nonce"),
        ({"at": -999}, b"{}", [], "shop-backend: outside the window"),
        ({"nonce": REPLAYED}, b"{}", [LOOK], "shop-backend: replayed nonce"),
        ({}, b"[]", [LOOK, READ], "shop-backend: another body"),
        ({}, b"{}", [LOOK, READ, STORE], "shop-backend"),
    ],
    ids=["unknown key id", "wrong signature", "malformed", "too old", "replayed", "another body", "right"],
)
def test_nothing_is_read_for_a_wrong_signature_and_nothing_stored_before_all_is_right(probe, proof, sent, steps, end):
    """A stranger costs no body and no object, and neither a thief nor a replay uses up what the caller needs."""
    probe.http.get("/", params={"key": "shop-backend", "nonce": REPLAYED, "expires": int(time.time()) + 300})
    seen = send(probe, "POST", ORDERS, signed("POST", ORDERS, b"{}", **proof), sent).json()
    assert (seen["steps"], seen.get("caller") or seen["refused"].removeprefix("hmac: ")) == (steps, end)


def test_while_the_nonces_cannot_be_read_nobody_passes_and_callers_learn_to_come_back(runtime):
    with gateway(runtime, migrated=False) as api:
        assert refusal(call(api, "GET", OUTSIDE)) == FORBIDDEN
        api.sql("Nonces", "shop-backend", "DROP TABLE nonces")
        assert refusal(call(api, "GET", OUTSIDE)) == UNAVAILABLE
        assert refusal(call(api, "GET", OUTSIDE, **BILLING)) == FORBIDDEN


# Keys


def test_during_a_rotation_the_new_and_the_old_key_both_pass_and_a_third_does_not(api):
    assert call(api, "GET", ORDERS, key=KEY).status_code == 200
    assert call(api, "GET", ORDERS, key=OLD_KEY).status_code == 200
    assert refusal(call(api, "GET", ORDERS, key=THIRD_KEY)) == ANONYMOUS


def test_after_a_rotation_the_old_key_is_refused(runtime):
    with gateway(runtime, migrated=False, hmac_keys=json.dumps({"shop-backend": [KEY]})) as api:
        assert refusal(call(api, "GET", OUTSIDE, key=KEY)) == FORBIDDEN
        assert refusal(call(api, "GET", OUTSIDE, key=OLD_KEY)) == ANONYMOUS


def test_the_key_of_one_caller_does_not_sign_for_another(api):
    assert refusal(call(api, "GET", ORDERS, key_id="billing-job", key=KEY)) == ANONYMOUS


@pytest.mark.parametrize(
    "keys",
    [
        f'{{"shop-backend":["{KEY}"',
        "null",
        '{"shop-backend":["short"],"billing-job":[""]}',
        '{"shop-backend":[20261123],"billing-job":[[]]}',
        f'{{"shop-backend":"{KEY}","billing-job":{{"0":"{BILLING_KEY}"}}}}',
        '{"shop-backend":[null],"billing-job":null}',
    ],
    ids=["broken", "null", "weak", "no text", "no list", "nothing"],
)
def test_broken_or_weak_keys_refuse_everyone_and_are_not_logged(runtime, keys):
    with gateway(runtime, migrated=False, hmac_keys=keys) as api:
        for key_id, key in (
            ("shop-backend", KEY),
            ("shop-backend", "short"),
            ("shop-backend", "20261123"),
            ("billing-job", ""),
        ):
            assert refusal(call(api, "GET", ORDERS, key_id=key_id, key=key)) == UNAVAILABLE
        assert "hmac: " in api.logs()[-1]
        expect_nothing_secret("\n".join(api.logs()))


# Bodies


def test_a_body_of_exactly_1_mib_is_read_and_one_byte_more_is_not(api):
    for size, answer in ((LIMIT_BYTES, (400, "invalid")), (LIMIT_BYTES + 1, (413, "too_large"))):
        assert refusal(call(api, "POST", ORDERS, b"x" * size)) == answer


@pytest.mark.parametrize("size", [LIMIT_BYTES, LIMIT_BYTES + 1])
def test_a_body_without_a_length_is_counted_while_it_comes(api, size):
    body = b"x" * size
    chunks = (body[i : i + 65_536] for i in range(0, size, 65_536))
    response = api.http.post(ORDERS, content=chunks, headers=signed("POST", ORDERS, body))
    assert "content-length" not in response.request.headers
    assert refusal(response) == ((400, "invalid") if size == LIMIT_BYTES else (413, "too_large"))
