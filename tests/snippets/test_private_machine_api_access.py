"""Access service tokens: the gateway trusts only what the team's current keys signed for this API."""

import base64
import gzip
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import jwt
import pytest

from runtime.workers import Example, Runtime
from tests.snippets.private_machine_api.support import (
    ANONYMOUS,
    BILLING_KEY,
    FORBIDDEN,
    UNAVAILABLE,
    gateway,
    host,
    post_order,
    raw,
    refusal,
    send,
    signed,
)
from tests.support.access_team import AUDIENCE, SERVICE_TOKENS, SILENCE, Key, Team, encoded, serve

ORDERS = "/v1/orders"
OTHER_AUDIENCE = "b" * 64


@pytest.fixture(scope="module")
def key() -> Key:
    return Key("current")


@pytest.fixture(scope="module")
def attacker() -> Key:
    """An attacker's key that bears the name of the team's."""
    return Key("current")


@pytest.fixture(scope="module")
def team(key: Key) -> Iterator[Team]:
    with serve(key) as started:
        yield started


@pytest.fixture(scope="module")
def api(runtime: Runtime, team: Team) -> Iterator[Example]:
    with gateway(runtime, TEAM_DOMAIN=team.url, ACCESS_AUDIENCES=f"{AUDIENCE}, {OTHER_AUDIENCE}") as example:
        yield example


@pytest.fixture(scope="module")
def busy(runtime: Runtime, key: Key) -> Iterator[tuple[Example, Team, float]]:
    """An API and a team of its own, and when it had fetched the keys; the first test and the last one share it to wait less."""
    with serve(key) as team, gateway(runtime, TEAM_DOMAIN=team.url, ACCESS_AUDIENCES=AUDIENCE) as example:
        assert get(example, team.token()).status_code == 200
        yield example, team, time.monotonic()


def get(api: Example, token: str, path: str = ORDERS, **headers: str) -> httpx.Response:
    response = send(api, "GET", path, {"Cf-Access-Jwt-Assertion": token, **headers})
    assert token not in response.text
    return response


def test_made_up_key_names_cause_no_storm_of_fetches(busy):
    api, team, _ = busy
    names = ("made-up", "", "current ", "../../keys") * 10
    for name in names:
        assert refusal(get(api, team.token(headers={"kid": name}))) == ANONYMOUS
    assert team.fetches < len(names) / 2, "there is a pause between two fetches"


# What an honest caller sees


def test_a_token_for_another_application_of_this_api_passes(api, team):
    assert get(api, team.token(aud=[OTHER_AUDIENCE])).status_code == 200


@pytest.mark.parametrize(
    ("changes", "service"),
    [pytest.param(*case, id=name) for name, case in SERVICE_TOKENS.items() if case[0].get("aud") != "b" * 64],
)
def test_a_service_is_known_by_the_same_rule_everywhere(api, team, changes, service):
    answer = get(api, team.token(**changes))
    assert answer.status_code == 200 if service else refusal(answer) == ANONYMOUS


@pytest.mark.parametrize("claims", [{"exp": -20}, {"nbf": 50}, {"iat": 50}], ids=str)
def test_clocks_may_differ_by_less_than_a_minute(api, team, claims):
    assert get(api, team.token(**{name: int(time.time()) + s for name, s in claims.items()})).status_code == 200


def test_the_keys_are_fetched_once_for_many_requests(api, team):
    get(api, team.token())
    before = team.fetches
    assert [get(api, team.token()).status_code for _ in range(10)] == [200] * 10
    assert team.fetches == before


def test_the_client_id_of_the_token_decides_what_its_caller_may_do(api, team):
    post_order(api, "for-billing-to-see", 700)
    assert get(api, team.token(), "/v1/reports/summary").json() == {
        "orders": 1,
        "amountCents": 700,
        "averageCents": 700,
    }
    assert [o["owner"] for o in get(api, team.token()).json()["orders"]] == ["shop-backend"]
    written = send(api, "POST", ORDERS, {"Cf-Access-Jwt-Assertion": team.token()}, b'{"reference":"x","amountCents":1}')
    assert refusal(written) == FORBIDDEN


# What an attacker tries


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "c" * 64},
        {"aud": ["c" * 64]},
        {"aud": []},
        {"aud": None},
        {"aud": AUDIENCE[:-1]},
        {"aud": f"{AUDIENCE},{OTHER_AUDIENCE}"},
        {"iss": "https://another-team.cloudflareaccess.com"},
        {"iss": None},
        {"iss": ""},
        {"exp": None},
        {"exp": 1},
        {"exp": "2099-01-01"},
        {"common_name": None},
        {"common_name": "00000000000000000000000000000000.access"},
        {"common_name": ""},
        {"common_name": "billing-job"},
        {"common_name": ["11111111111111111111111111111111.access"]},
        {"common_name": None, "email": "someone@example.com", "sub": "a-person"},
    ],
    ids=json.dumps,
)
def test_a_token_that_says_something_else_is_refused(api, team, claims):
    assert refusal(get(api, team.token(**claims))) == ANONYMOUS


@pytest.mark.parametrize("claims", [{"exp": -75}, {"nbf": 200}], ids=["expired", "not yet valid"])
def test_a_token_is_refused_outside_its_time_and_a_minute(api, team, claims):
    assert refusal(get(api, team.token(**{name: int(time.time()) + s for name, s in claims.items()}))) == ANONYMOUS


def test_a_token_without_a_signature_is_refused(api, team):
    assert refusal(get(api, team.unsigned())) == ANONYMOUS
    header, payload, _ = team.token().split(".")
    assert refusal(get(api, f"{header}.{payload}.")) == ANONYMOUS


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(api, team):
    assert refusal(get(api, team.signed_with_the_public_key())) == ANONYMOUS


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
def test_another_algorithm_with_the_right_key_is_refused(api, team, algorithm):
    assert refusal(get(api, team.token(algorithm=algorithm))) == ANONYMOUS


def test_the_algorithm_is_ours_to_choose_even_when_the_published_keys_name_none(runtime, team):
    unnamed = [{name: value for name, value in key.jwk.items() if name not in ("alg", "use")} for key in team.published]
    team.answer = (200, {}, json.dumps({"keys": unnamed}).encode())
    with gateway(runtime, TEAM_DOMAIN=team.url, ACCESS_AUDIENCES=AUDIENCE) as api:
        assert get(api, team.token()).status_code == 200
        for algorithm in ("RS384", "RS512", "PS256"):
            assert refusal(get(api, team.token(algorithm=algorithm))) == ANONYMOUS
        assert refusal(get(api, team.signed_with_the_public_key())) == ANONYMOUS
    team.answer = None


def test_a_token_signed_by_another_key_of_the_same_name_is_refused(api, team, attacker):
    assert refusal(get(api, team.token(attacker))) == ANONYMOUS


def test_a_token_that_brings_its_own_key_is_refused(api, team, attacker):
    for headers in (
        {"jwk": attacker.jwk},
        {"jku": "https://attacker.example/keys"},
        {"x5u": "https://attacker.example/keys"},
    ):
        assert refusal(get(api, team.token(attacker, headers=headers))) == ANONYMOUS


def test_a_token_with_an_unknown_critical_extension_is_refused(api, team):
    assert refusal(get(api, team.token(headers={"crit": ["exp"], "exp": 1}))) == ANONYMOUS


def test_a_token_whose_content_was_changed_is_refused(api, team):
    header, payload, signature = team.token(common_name="nobody").split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "==")) | {
        "common_name": "11111111111111111111111111111111.access"
    }
    assert refusal(get(api, f"{header}.{encoded(json.dumps(claims).encode())}.{signature}")) == ANONYMOUS


@pytest.mark.parametrize(
    "garbage", ["", "x", "a.b.c", "..", "null", "Bearer x", "e30.e30.e30", "bnVsbA.bnVsbA.AAAA", "x" * 8000]
)
def test_what_is_no_token_is_refused(api, garbage):
    assert refusal(send(api, "GET", ORDERS, {"Cf-Access-Jwt-Assertion": garbage})) == ANONYMOUS


def test_a_token_sent_twice_is_refused(api, team):
    token = team.token()
    answer = raw(
        api,
        b"GET /v1/orders HTTP/1.1",
        [host(api), ("Cf-Access-Jwt-Assertion", token), ("cf-access-jwt-assertion", token)],
    )
    assert refusal(answer) == ANONYMOUS


@pytest.mark.parametrize("header", ["Cookie", "Authorization", "CF-Access-Token"])
def test_a_token_elsewhere_in_the_request_is_no_proof(api, team, header):
    prefix = {"Cookie": "CF_Authorization=", "Authorization": "Bearer "}.get(header, "")
    assert refusal(send(api, "GET", ORDERS, {header: prefix + team.token()})) == ANONYMOUS


@pytest.fixture(scope="module")
def on_one_hostname(runtime, team):
    settings = {"TEAM_DOMAIN": team.url, "ACCESS_AUDIENCES": AUDIENCE, "ACCESS_HOSTNAME": "api.example.com"}
    with gateway(runtime, migrated=False, **settings) as example:
        yield example


@pytest.mark.parametrize(
    "name", ["api-signed.example.com", "api-mtls.example.com", "api.example.com.evil.example", "xapi.example.com"]
)
def test_a_token_is_no_proof_on_a_hostname_without_access(on_one_hostname, team, name):
    """A copied token stays valid until it expires; only Access knows that its service token was switched off since."""

    def ask(hostname: str) -> tuple[int, str]:
        headers = [("Host", hostname), ("Cf-Access-Jwt-Assertion", team.token())]
        return refusal(raw(on_one_hostname, b"GET /v1/nothing HTTP/1.1", headers))

    assert ask("api.example.com") == FORBIDDEN
    assert ask(name) == ANONYMOUS


def test_a_broken_token_beside_a_good_signature_is_refused(api):
    assert refusal(get(api, "broken", **signed("GET", ORDERS, key_id="billing-job", key=BILLING_KEY))) == ANONYMOUS


def test_an_api_without_a_team_refuses_every_token(runtime, team):
    with gateway(runtime, migrated=False, TEAM_DOMAIN="") as example:
        assert refusal(get(example, team.token())) == ANONYMOUS


# The team's keys


def test_without_the_teams_keys_nobody_passes_and_callers_learn_to_come_back(runtime, team):
    """The address is down, slow or lying: fail closed with 503, and recover without a restart."""
    long = json.dumps({"keys": [key.jwk for key in team.published]}).encode() + b" " * 1_000_000
    lies = [
        (500, {}, b"{}"),
        (404, {}, b"{}"),
        (200, {"Content-Type": "text/html"}, b"<h1>Sign in</h1>"),
        (200, {}, b""),
        (200, {}, b"[]"),
        (302, {"Location": "/cdn-cgi/access/login"}, b""),
        (200, {}, long),
        (200, {"Content-Encoding": "gzip"}, gzip.compress(long)),
    ]
    with gateway(runtime, TEAM_DOMAIN=team.url, ACCESS_AUDIENCES=AUDIENCE) as api:
        for lie in lies:
            team.answer = lie
            response = get(api, team.token())
            assert refusal(response) == UNAVAILABLE, lie
            assert response.headers["retry-after"] == "5"
        team.answer = SILENCE
        assert refusal(get(api, team.token())) == UNAVAILABLE
        team.answer = None
        assert get(api, team.token()).status_code == 200


def test_keys_that_are_no_keys_let_nobody_in(runtime, team):
    broken = {"kid": "current", "kty": "RSA", "alg": "RS256", "n": "!", "e": "AQAB"}
    secret = {"kid": "secret", "kty": "oct", "k": encoded(b"k" * 32), "alg": "HS256"}
    for keys, answer in (([], ANONYMOUS), ([broken, secret], UNAVAILABLE)):
        team.answer = (200, {}, json.dumps({"keys": keys}).encode())
        with gateway(runtime, migrated=False, TEAM_DOMAIN=team.url, ACCESS_AUDIENCES=AUDIENCE) as api:
            assert refusal(get(api, team.token())) == answer
            assert (
                refusal(get(api, jwt.encode(team.claims(), b"k" * 32, "HS256", headers={"kid": "secret"}))) == ANONYMOUS
            )
    team.answer = None


def test_an_address_that_nobody_listens_on_means_503(runtime, key):
    with serve(key) as team:
        token = team.token()
    with gateway(runtime, migrated=False, TEAM_DOMAIN=team.url, ACCESS_AUDIENCES=AUDIENCE) as api:
        assert refusal(get(api, token)) == UNAVAILABLE


def test_keys_change_while_requests_come(busy, key):
    """A new key is picked up at the first token that names it, also by many requests at once."""
    api, team, fetched = busy
    new, made_up = Key("new"), Key("made-up")
    time.sleep(max(0, fetched + 5.1 - time.monotonic()))
    team.published, before = [new, key], team.fetches
    with ThreadPoolExecutor(8) as pool:
        tokens = [team.token(k) for k in (key, new) * 8]
        assert set(
            pool.map(
                lambda token: httpx.get(api.url + ORDERS, headers={"Cf-Access-Jwt-Assertion": token}).status_code,
                tokens,
            )
        ) == {200}
    fetches = team.fetches
    assert before < fetches <= before + 8, (
        "requests under way at the same moment fetch for themselves, later ones do not"
    )
    for _ in range(20):
        assert refusal(get(api, team.token(made_up))) == ANONYMOUS
    assert team.fetches < fetches + 10

    team.answer = (503, {}, b"down")
    assert [get(api, team.token(k)).status_code for k in (new, key)] == [200, 200], "a cached key needs no fetch"
