"""An origin behind Tunnel and Access as people, programs and attackers meet it, over HTTP with generated keys."""

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import jwt
import pytest
import uvicorn
import yaml

from runtime.workers import SNIPPETS
from tests.support.access_team import AUDIENCE, CLIENT_ID, Key, Team, serve
from tests.support.pages import ROOT
from tools.terraform.__main__ import blocks, resources

EXAMPLE = SNIPPETS / "tunnel-access"
CONFIG = yaml.safe_load((EXAMPLE / "config.yml").read_text())
PERSON: dict[str, Any] = {"common_name": None, "email": "Ada@Example.com", "sub": "user-1"}
HEADER = "Cf-Access-Jwt-Assertion"
OLD, NEW, FOREIGN = Key("old"), Key("new"), Key("old")


@pytest.fixture(scope="module", autouse=True)
def modules() -> Iterator[None]:
    """The example's own modules, which import each other by plain names as a reader's do."""
    folders = [str(EXAMPLE), str(EXAMPLE / "origin")]
    sys.path[:0] = folders
    yield
    for folder in folders:
        sys.path.remove(folder)
    for name in ("keys", "verify", "app", "local_team", "ingress"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def team() -> Iterator[Team]:
    with serve(OLD) as started:
        yield started


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


class Origin:
    """The origin on a free port, its clock, and a client for it."""

    def __init__(self, team: Team) -> None:
        import app
        from keys import Keys
        from verify import Verifier

        self.clock = Clock()
        verifier = Verifier(Keys(app.fetch_from(team.url), self.clock), team.url, AUDIENCE)
        config = uvicorn.Config(app.application(verifier), host="127.0.0.1", port=0, log_level="error")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        deadline = time.monotonic() + 10
        while not self.server.started:
            assert time.monotonic() < deadline, "the origin did not start"
            time.sleep(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20)

    def get(self, token: str | None, path: str = "/") -> httpx.Response:
        return self.http.get(path, headers={} if token is None else {HEADER: token})

    def post(self, token: str, path: str = "/api/backup") -> httpx.Response:
        return self.http.post(path, headers={HEADER: token})

    def stop(self) -> None:
        self.http.close()
        self.server.should_exit = True
        self.thread.join()


@pytest.fixture
def origin(team: Team) -> Iterator[Origin]:
    team.published, team.fetches, team.answer = [OLD], 0, None
    started = Origin(team)
    yield started
    started.stop()


def refusal(response: httpx.Response) -> tuple[int, str]:
    body = response.json()
    assert body.keys() == {"error"} and body["error"].keys() == {"code", "message"}
    assert response.headers["cache-control"] == "no-store"
    return response.status_code, body["error"]["code"]


# People and programs


def test_a_person_is_known_by_e_mail_and_a_program_by_its_client_id(origin: Origin, team: Team):
    assert origin.get(team.token(**PERSON)).json() == {"hello": "ada@example.com", "kind": "person"}
    assert origin.get(team.token()).json() == {"hello": CLIENT_ID, "kind": "service"}


def test_only_the_backup_program_may_start_the_backup(origin: Origin, team: Team):
    assert origin.post(team.token()).status_code == 202
    assert refusal(origin.post(team.token(common_name="2" * 32 + ".access"))) == (403, "forbidden")
    assert refusal(origin.post(team.token(**PERSON))) == (403, "forbidden")


@pytest.mark.parametrize(
    "claims",
    [
        {"common_name": None, "email": CLIENT_ID, "sub": ""},
        {"email": "ada@example.com", "sub": "user-1"},
        {"common_name": None, "email": "", "sub": ""},
        {"sub": "user-1"},
        {"common_name": [CLIENT_ID]},
        {"common_name": None, "email": {"a": 1}, "sub": "user-1"},
    ],
    ids=["an e-mail without a person", "both at once", "nobody", "a program with a subject", "a list", "an object"],
)
def test_a_token_that_is_neither_person_nor_program_is_refused(origin: Origin, team: Team, claims: dict):
    assert refusal(origin.get(team.token(**claims))) == (403, "invalid_token")


# Forged tokens


def test_without_a_token_nothing_is_reached(origin: Origin, team: Team):
    for path in ("/", "/api/backup", "/nothing-here", "//", "/%2e%2e/"):
        assert refusal(origin.get(None, path)) == (403, "no_token")
    assert team.fetches == 0, "an anonymous caller makes the origin ask for keys"


def test_a_cookie_or_two_headers_are_no_proof(origin: Origin, team: Team):
    good = team.token(**PERSON)
    assert refusal(origin.http.get("/", headers={"Cookie": f"CF_Authorization={good}"})) == (403, "no_token")
    assert refusal(origin.http.get("/", headers=[(HEADER, good), (HEADER, good)])) == (403, "no_token")
    assert refusal(origin.http.get("/", headers={"Cf-Access-Authenticated-User-Email": "ada@example.com"})) == (
        403,
        "no_token",
    )


def attacks(team: Team) -> dict[str, str]:
    now = int(time.time())
    good = team.token(**PERSON)
    head, body, signature = good.split(".")
    return {
        "no signature": team.unsigned(**PERSON),
        "signed with the public key": team.signed_with_the_public_key(**PERSON),
        "RS512": team.token(algorithm="RS512", **PERSON),
        "a foreign key under a known id": team.token(FOREIGN, **PERSON),
        "an unknown key": team.token(NEW, **PERSON),
        "a key id that is no text": jwt.encode(team.claims(**PERSON), OLD.private, "RS256", headers={"kid": "../old"}),
        "a critical extension": team.token(headers={"crit": ["exp"]}, **PERSON),
        "another issuer": team.token(iss="https://other-team.cloudflareaccess.com", **PERSON),
        "an issuer that starts like ours": team.token(iss=team.url + ".evil.example", **PERSON),
        "no issuer": team.token(iss=None, **PERSON),
        "another audience": team.token(aud=["b" * 64], **PERSON),
        "an audience that is no list": team.token(aud=AUDIENCE, **PERSON),
        "a part of our audience": team.token(aud=[AUDIENCE[:32]], **PERSON),
        "no audience": team.token(aud=None, **PERSON),
        "an empty audience": team.token(aud=[], **PERSON),
        "expired": team.token(exp=now - 61, **PERSON),
        "no expiry": team.token(exp=None, **PERSON),
        "an expiry in words": team.token(exp="tomorrow", **PERSON),
        "from the future": team.token(iat=now + 3600, **PERSON),
        "not yet valid": team.token(nbf=now + 3600, **PERSON),
        "no time of issue": team.token(iat=None, **PERSON),
        "an organization token": team.token(type="org", **PERSON),
        "no type": team.token(type=None, **PERSON),
        "a changed body": f"{head}.{body[:-4]}AAAA.{signature}",
        "a changed signature": f"{head}.{body}.{signature[:-8]}AAAAAAAA",
        "two parts": f"{head}.{body}",
        "four parts": f"{good}.{signature}",
        "not base64": "a.b.c",
        "too long": good + "A" * 17_000,
        "empty parts": "..",
    }


def test_every_forged_token_is_refused_and_the_good_one_still_passes(origin: Origin, team: Team):
    found = attacks(team)
    assert len(found) >= 30
    for name, token in found.items():
        origin.clock.s += 11
        assert refusal(origin.get(token)) == (403, "invalid_token"), name
    assert origin.get(team.token(**PERSON)).status_code == 200


def test_of_a_thousand_tokens_with_one_field_wrong_none_is_accepted(team: Team):
    from keys import Keys
    from verify import Refused, Verifier

    team.published, team.answer = [OLD], None
    verifier = Verifier(Keys(lambda: {"keys": [OLD.jwk]}), team.url, AUDIENCE)
    chance = random.Random(7)
    wrong: dict[str, Any] = {
        "iss": lambda: chance.choice([team.url + "/", team.url[:-1], "", "null", "https://x"]),
        "aud": lambda: chance.choice([[], [AUDIENCE.upper()], [AUDIENCE + "0"], AUDIENCE, [""], {"a": AUDIENCE}]),
        "exp": lambda: int(time.time()) - chance.randrange(61, 10**6),
        "iat": lambda: int(time.time()) + chance.randrange(120, 10**6),
        "nbf": lambda: int(time.time()) + chance.randrange(120, 10**6),
        "type": lambda: chance.choice(["org", "", "APP", 1]),
        "sub": lambda: chance.choice(["", 5]),
        "email": lambda: chance.choice(["", [], 7, {}]),
        "common_name": lambda: CLIENT_ID,
    }
    accepted, statuses = [], set()
    for number in range(1000):
        name = chance.choice(list(wrong))
        token = team.token(**{**PERSON, name: wrong[name]()})
        try:
            accepted.append((number, name, verifier.identify(token)))
        except Refused as refused:
            statuses.add(refused.status)
    assert (accepted, statuses) == ([], {403})
    assert verifier.identify(team.token(**PERSON)).name == "ada@example.com"


def test_the_log_names_the_request_and_never_holds_the_token(
    origin: Origin, team: Team, capsys: pytest.CaptureFixture[str]
):
    token = team.token(**PERSON, aud=["b" * 64])
    origin.http.get("/", headers={HEADER: token, "CF-Ray": "8f00-TXL"})
    line = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert line == {
        "event": "refused",
        "code": "invalid_token",
        "reason": "InvalidAudienceError",
        "request": "8f00-TXL",
    }


# Keys that change, and keys that cannot be fetched


def test_keys_are_fetched_once_for_many_requests_at_once(origin: Origin, team: Team):
    token = team.token(**PERSON)
    with ThreadPoolExecutor(8) as pool:
        assert {r.status_code for r in pool.map(lambda _: origin.get(token), range(40))} == {200}
    assert team.fetches == 1


def test_a_new_key_is_taken_during_traffic_and_the_old_one_goes_when_it_is_withdrawn(origin: Origin, team: Team):
    old, new = team.token(OLD, **PERSON), team.token(NEW, **PERSON)
    assert origin.get(old).status_code == 200
    team.published = [OLD, NEW]
    origin.clock.s += 11
    assert [origin.get(t).status_code for t in (new, old, new)] == [200, 200, 200]
    assert team.fetches == 2
    team.published = [NEW]
    origin.clock.s += 3601
    assert origin.get(new).status_code == 200
    assert refusal(origin.get(old)) == (403, "invalid_token")


def test_a_flood_of_unknown_key_ids_asks_the_team_once(origin: Origin, team: Team):
    for number in range(30):
        assert origin.get(team.token(headers={"kid": f"k{number}"}, **PERSON)).status_code == 403
    assert team.fetches == 1


@pytest.mark.parametrize(
    "answer",
    [
        (500, {}, b""),
        (200, {}, b"<html>"),
        (200, {}, b'{"keys": []}'),
        (200, {}, b"[]"),
        (302, {"Location": "http://127.0.0.1:9/"}, b""),
    ],
    ids=["500", "HTML", "no keys", "a list", "a redirect"],
)
def test_with_cached_keys_the_team_may_be_away_and_without_them_nobody_enters(
    origin: Origin, team: Team, answer: tuple
):
    token = team.token(**PERSON)
    team.answer = answer
    assert refusal(origin.get(token)) == (503, "keys_unavailable")
    assert origin.get(token).headers["retry-after"] == "10"
    team.answer = None
    origin.clock.s += 11
    assert origin.get(token).status_code == 200
    team.answer = answer
    origin.clock.s += 4000
    assert origin.get(token).status_code == 200
    origin.clock.s += 8 * 24 * 3600
    assert refusal(origin.get(token)) == (503, "keys_unavailable")


def test_a_symmetric_key_from_the_team_is_never_taken(team: Team):
    from keys import Keys, KeysUnavailable

    with pytest.raises(KeysUnavailable):
        Keys(lambda: {"keys": [{"kty": "oct", "kid": "old", "k": "c2VjcmV0"}]}).get("old")


# Ingress rules


@pytest.mark.parametrize(
    ("url", "service"),
    [
        ("https://wiki.example.com/", "http://127.0.0.1:8787"),
        ("https://WIKI.example.com/page?x=1", "http://127.0.0.1:8787"),
        ("https://wiki.example.com/metrics", "http_status:404"),
        ("https://wiki.example.com/metrics/x", "http_status:404"),
        ("https://wiki.example.com/a/metrics", "http://127.0.0.1:8787"),
        ("https://git.example.com/", "https://127.0.0.1:8443"),
        ("https://a.staging.example.com/", "http://127.0.0.1:8090"),
        ("https://a.b.staging.example.com/", "http://127.0.0.1:8090"),
        ("https://staging.example.com/", "http_status:404"),
        ("https://evil-staging.example.com/", "http_status:404"),
        ("https://wiki.example.com.evil.example/", "http_status:404"),
        ("https://unknown.example.com/", "http_status:404"),
    ],
)
def test_every_hostname_reaches_the_intended_service_and_nothing_falls_through(url: str, service: str):
    from ingress import reached, rules

    assert reached(rules(CONFIG), url).service == service


def test_every_published_service_asks_for_a_token():
    from ingress import problems, rules

    assert problems(CONFIG) == []
    assert all(rule.protected for rule in rules(CONFIG)[:-1])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c["ingress"].pop(), "the last rule must take everything"),
        (lambda c: c["ingress"].clear(), "the last rule must take everything"),
        (
            lambda c: c["ingress"][-1].update(service="http://127.0.0.1:80"),
            "the last rule sends every unknown hostname",
        ),
        (lambda c: c["ingress"].insert(0, {"service": "http://127.0.0.1:80"}), "rule 1 takes everything"),
        (lambda c: c["ingress"][1].update(service="127.0.0.1:8787"), "rule 2: '127.0.0.1:8787' is no service"),
        (
            lambda c: c["originRequest"]["access"].update(required=False),
            "rule 2: wiki.example.com does not ask for an Access token",
        ),
        (
            lambda c: c["ingress"][2].update(originRequest={"access": {"required": False}}),
            "rule 3: git.example.com does not ask",
        ),
        (
            lambda c: c["ingress"].insert(0, {"hostname": "*.example.com", "service": "http://127.0.0.1:80"}),
            "is never reached",
        ),
    ],
)
def test_a_rule_that_lets_through_or_is_never_reached_is_named(change: Any, said: str):
    from ingress import problems

    config = json.loads(json.dumps(CONFIG))
    change(config)
    assert any(said in problem for problem in problems(config)), problems(config)


def test_the_command_prints_problems_and_fails(tmp_path):
    config = tmp_path / "config.yml"
    config.write_text("ingress: [{hostname: a.example.com, service: 'http://127.0.0.1:1'}]\n")
    done = subprocess.run(
        [sys.executable, EXAMPLE / "ingress.py", config], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (
        1,
        "the last rule must take everything: add '- service: http_status:404'\n",
    )


# Terraform


def test_terraform_closes_what_it_does_not_name_and_publishes_what_the_tunnel_serves():
    text = (EXAMPLE / "terraform" / "main.tf").read_text()
    names = {r["hostname"].removesuffix(".example.com") for r in CONFIG["ingress"] if "hostname" in r}
    for name in names:
        assert f'"{name}"' in text, f"{name} is served by the tunnel and has no DNS record"
        assert f'"{name}.example.com"' in text, f"{name} is served by the tunnel and has no Access application"
    assert '{ type = "public", uri = "*.example.com" }' in text and 'decision   = "deny"' in text
    assert 'config_src = "local"' in text


def test_terraform_holds_every_part_that_the_page_promises():
    used = set(resources(EXAMPLE / "terraform"))
    assert {
        "cloudflare_zero_trust_tunnel_cloudflared",
        "cloudflare_zero_trust_access_application",
        "cloudflare_zero_trust_access_policy",
        "cloudflare_zero_trust_access_service_token",
        "cloudflare_zero_trust_access_infrastructure_target",
        "cloudflare_dns_record",
    } <= used
    token = next(
        b
        for b in blocks((EXAMPLE / "terraform/main.tf").read_text(), "main.tf")
        if b.labels[:1] == ("cloudflare_zero_trust_access_service_token",)
    )
    assert {"client_secret_version", "previous_client_secret_expires_at"} <= {name for name, _, _ in token.attributes()}
