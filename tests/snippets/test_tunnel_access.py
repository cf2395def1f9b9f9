"""An origin behind Tunnel and Access as people, programs and attackers meet it, over HTTP with generated keys."""

import gzip
import importlib
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import uvicorn
import yaml

from runtime.workers import SNIPPETS
from tests.support.access_team import AUDIENCE, CLIENT_ID, DRIP, SERVICE_TOKENS, Key, Team, serve
from tests.support.patience import PATIENCE_S, until
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
    for name in ("keys", "verify", "app", "local_team", "ingress", "dialect", "exposure", "once", "settings"):
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
        until(lambda: self.server.started, what="the origin starts")
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}")

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


@pytest.mark.parametrize(("changes", "service"), SERVICE_TOKENS.values(), ids=list(SERVICE_TOKENS))
def test_a_service_is_known_by_the_same_rule_everywhere(origin: Origin, team: Team, changes: dict, service: bool):
    answer = origin.get(team.token(**changes))
    if service:
        assert answer.json() == {"hello": CLIENT_ID, "kind": "service"}
    else:
        assert refusal(answer) == (403, "invalid_token")


@pytest.mark.parametrize(
    ("email", "name"),
    [
        ("Backup-Admin@Example.COM", "backup-admin@example.com"),
        ("bac\u212aup-admin@example.com", "bac\u212aup-admin@example.com"),
        ("\u212aATE@example.com", "\u212aATE@example.com"),
        ("\u0130an@example.com", "\u0130an@example.com"),
    ],
    ids=["capitals", "a Kelvin sign", "a Kelvin sign and capitals", "a dotted I"],
)
def test_no_address_becomes_another_persons_by_its_letters(origin: Origin, team: Team, email: str, name: str):
    assert origin.get(team.token(**{**PERSON, "email": email})).json() == {"hello": name, "kind": "person"}


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
        "an audience of another kind": team.token(aud={AUDIENCE: 1}, **PERSON),
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
        "aud": lambda: chance.choice([[], [AUDIENCE.upper()], [AUDIENCE + "0"], AUDIENCE[:-1], [""], {"a": AUDIENCE}]),
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
        (200, {}, json.dumps({"keys": [OLD.jwk]}).encode() + b" " * 1_000_000),
        (200, {"Content-Encoding": "gzip"}, gzip.compress(json.dumps({"keys": [OLD.jwk]}).encode())),
    ],
    ids=["500", "HTML", "no keys", "a list", "a redirect", "more than keys", "packed"],
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


def test_a_team_that_sends_a_byte_now_and_then_is_left(origin: Origin, team: Team, monkeypatch: pytest.MonkeyPatch):
    import app

    monkeypatch.setattr(app, "KEYS_DEADLINE_S", 1)
    team.answer = DRIP
    assert refusal(origin.get(team.token(**PERSON))) == (503, "keys_unavailable")


class SlowTeam:
    """A team whose second answer comes when the test lets it come."""

    def __init__(self) -> None:
        self.asked, self.go_on = threading.Event(), threading.Event()
        self.fetches = 0

    def __call__(self) -> dict[str, Any]:
        self.fetches += 1
        if self.fetches > 1:
            self.asked.set()
            assert self.go_on.wait(PATIENCE_S)
        return {"keys": [OLD.jwk]}


@pytest.mark.parametrize("age_s", [11, 3601], ids=["young keys", "keys to renew"])
def test_a_known_key_does_not_wait_while_an_unknown_one_is_fetched(age_s: int):
    from keys import Keys, KeysUnavailable

    clock, slow = Clock(), SlowTeam()
    keys = Keys(slow, clock)
    assert keys.get("old")
    clock.s += age_s
    with ThreadPoolExecutor(40) as pool:
        try:
            unknown = [pool.submit(keys.get, f"made-up-{n}") for n in range(30)]
            assert slow.asked.wait(PATIENCE_S)
            assert pool.submit(keys.get, "old").result(PATIENCE_S) is not None, (
                "a valid caller waits for a stranger's key"
            )
            # One asks and eight wait. The others are told at once that they cannot.
            done = islice(as_completed(unknown, timeout=PATIENCE_S), 21)
            assert {type(future.exception()) for future in done} == {KeysUnavailable}
        finally:
            slow.go_on.set()
        assert slow.fetches == 2


@pytest.mark.parametrize(
    "domain",
    [
        *("http://your-team.cloudflareaccess.com", "your-team.cloudflareaccess.com", "", None, "https://"),
        # Every valid token would name another issuer.
        *("https://your-team.cloudflareaccess.com/", "https://your-team.cloudflareaccess.com/cdn-cgi"),
    ],
)
def test_the_keys_of_a_team_never_come_in_clear(domain: str | None, monkeypatch: pytest.MonkeyPatch):
    import app

    monkeypatch.setattr(app.uvicorn.Server, "run", lambda _: None)
    monkeypatch.setattr(sys, "argv", ["app.py"])
    monkeypatch.setenv("AUDIENCE", AUDIENCE)
    monkeypatch.delenv("TEAM_DOMAIN", raising=False)
    if domain is not None:
        monkeypatch.setenv("TEAM_DOMAIN", domain)
    with pytest.raises(SystemExit, match=r"^TEAM_DOMAIN starts with https:// and ends with the hostname"):
        app.main()
    monkeypatch.setenv("TEAM_DOMAIN", "https://your-team.cloudflareaccess.com")
    app.main()
    for audience in ("", None):
        monkeypatch.delenv("AUDIENCE") if audience is None else monkeypatch.setenv("AUDIENCE", audience)
        with pytest.raises(SystemExit, match=r"^set AUDIENCE to the application's AUD tag$"):
            app.main()


def test_a_symmetric_key_from_the_team_is_never_taken(team: Team):
    from keys import Keys, KeysUnavailable

    with pytest.raises(KeysUnavailable):
        Keys(lambda: {"keys": [{"kty": "oct", "kid": "old", "k": "c2VjcmV0"}]}).get("old")


# The stand-in for the team


@pytest.fixture
def local_team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    module = importlib.import_module("local_team")
    monkeypatch.setattr(module, "FOLDER", tmp_path / "team")
    monkeypatch.setattr(module, "KEY_FILE", tmp_path / "team" / "key.pem")
    return module


def test_the_local_teams_key_is_not_in_a_folder_that_others_share():
    assert importlib.import_module("local_team").KEY_FILE.is_relative_to(Path.home())


def test_the_local_team_keeps_one_key_that_only_its_owner_reads(local_team: Any):
    with ThreadPoolExecutor(4) as pool:
        made = {k.private_numbers() for k in pool.map(lambda _: local_team.key(), range(4))}
    assert len(made) == 1, "two programs that start at once sign with two keys"
    assert [p.name for p in local_team.FOLDER.iterdir()] == ["key.pem"]
    assert local_team.FOLDER.stat().st_mode & 0o777 == 0o700
    assert local_team.KEY_FILE.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("arguments", "says"),
    [([], "usage: "), (["nobody"], "usage: "), (["person"], "is open to others: remove it, and it is made anew")],
)
def test_a_token_that_cannot_be_made_is_told_in_words(tmp_path: Path, arguments: list[str], says: str):
    (tmp_path / ".local-access-team").mkdir(mode=0o777)
    (tmp_path / ".local-access-team").chmod(0o777)
    command = [sys.executable, EXAMPLE / "origin" / "local_team.py", *arguments]
    env = {**os.environ, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and says in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("how", ["open to all", "somebody else's", "a link"])
def test_a_key_that_somebody_else_could_have_put_there_is_not_trusted(
    local_team: Any, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    local_team.key()
    if how == "open to all":
        local_team.FOLDER.chmod(0o777)
    elif how == "somebody else's":
        monkeypatch.setattr(os, "getuid", lambda: 4242)
    else:
        local_team.FOLDER.rename(tmp_path / "elsewhere")
        local_team.FOLDER.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError, match="open to others"):
        local_team.token("person")


# Ingress rules


@pytest.mark.parametrize(
    ("url", "service"),
    [
        ("https://wiki.example.com/", "http://127.0.0.1:8787"),
        ("https://wiki.example.com:443/page?x=1", "http://127.0.0.1:8787"),
        ("https://user:word@wiki.example.com/", "http://127.0.0.1:8787"),
        ("https://wiki.example.com", "http://127.0.0.1:8787"),
        ("https://git.example.com/", "https://127.0.0.1:8443"),
        ("https://a.staging.example.com/", "http://127.0.0.1:8090"),
        ("https://a.b.staging.example.com/", "http://127.0.0.1:8090"),
        ("https://staging.example.com/", "http_status:404"),
        ("https://evil-staging.example.com/", "http_status:404"),
        ("https://wiki.example.com.evil.example/", "http_status:404"),
        ("https://unknown.example.com/", "http_status:404"),
        # cloudflared compares letter by letter, and takes no dot off.
        ("https://WIKI.example.com/", "http_status:404"),
        ("https://wiki.example.com./", "http_status:404"),
        *(
            (f"https://wiki.example.com{path}", "http_status:404")
            for path in (
                "/metrics",
                "/metrics/x",
                "//metrics",
                "/./metrics",
                "/a/../metrics",
                "/METRICS",
                "/%6detrics",
                "/%2fmetrics",
                "/%5cmetrics",
            )
        ),
    ],
)
def test_every_address_reaches_the_intended_service_and_nothing_falls_through(url: str, service: str):
    from dialect import reached, read

    assert reached(read(CONFIG), url).service == service


def test_every_published_service_asks_for_the_token_of_its_own_application():
    from dialect import read
    from exposure import problems

    assert problems(CONFIG) == []
    services = [rule for rule in read(CONFIG) if not rule.closed]
    assert all(rule.access.required for rule in services)
    assert len({rule.access.tags for rule in services}) == len(services) == 3


def changed(change: Any) -> list[str]:
    from exposure import problems

    config = json.loads(json.dumps(CONFIG))
    change(config)
    return problems(config)


def first(**rule: Any) -> Any:
    """A change that puts a rule before all others."""
    return lambda c: c["ingress"].insert(0, {"hostname": "new.example.com", "service": "http://127.0.0.1:80", **rule})


def within(number: int, **setting: Any) -> Any:
    """A change of one rule's own settings."""
    return lambda c: c["ingress"][number]["originRequest"].update(setting)


def token(digit: str, team: str = "t") -> dict[str, Any]:
    """Settings that ask for the token of one application."""
    return {"access": {"required": True, "teamName": team, "audTag": [digit * 64]}}


def access(**change: Any) -> Any:
    """A change of the wiki's access block."""
    return lambda c: c["ingress"][1]["originRequest"]["access"].update(change)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c["ingress"].pop(), "the last rule must take everything"),
        (lambda c: c.pop("ingress"), "there is no ingress rule"),
        (lambda c: c.update(ingress={"a": "b"}), "there is no ingress rule"),
        (lambda c: c["ingress"].insert(0, {"service": "http://127.0.0.1:80"}), "rule 1 takes everything"),
        (first(hostname="*"), "rule 1 takes everything"),
        (lambda c: c["ingress"][1].pop("service"), "rule 2: '' is no service"),
        (lambda c: c["ingress"].insert(0, "wiki"), "rule 1: expected names and values, found 'wiki'"),
        (first(hostname="wiki.example.com:443"), "rule 1: the hostname 'wiki.example.com:443' contains a port"),
        (first(hostname="a.*.example.com"), "rule 1: 'a.*.example.com': one * only"),
        (first(hostname="*.*.example.com"), "rule 1: '*.*.example.com': one * only"),
        (first(hostname=7), "rule 1: hostname is 7: put it into quotes"),
        *(
            (first(path=p), "is no RE2 expression")
            for p in ("^/(?!public)", "[", r"(a)\1", "(?<=a)b", r"\Z", r"\C", "a\\", "a**", r"\x{110000}")
        ),
        *(
            (first(service=s), f"rule 1: {s!r} is no service")
            for s in (
                "127.0.0.1:8787",
                "localhost:8787",
                "/tmp/socket",
                "http://",
                "http://a b",
                "http://h:port",
                "http://[::1",
                "http://a|b",
                "http://a\\b",
                "http://a%41",
            )
        ),
        *(
            (first(service=s), "has a path: cloudflared keeps that of the request")
            for s in ("http://127.0.0.1:8090/app", "http://127.0.0.1:8090/", "smb://files/share")
        ),
        *((first(service=f"http_status:{s}"), "is no HTTP status") for s in ("99", "1000", "teapot", "")),
        (access(required="false"), "rule 2: required is 'false': write true or false, without quotes"),
        (access(required=1), "rule 2: required is 1"),
        (access(audTag="1" * 64), "rule 2: audTag is a list"),
        (access(teamName=""), "rule 2: access has audTag and no teamName"),
        (lambda c: c["originRequest"].update(access={"required": "no"}), "originRequest: required is 'no'"),
        *(
            (within(2, **{name: value}), f"rule 3: {name} is {value!r}: write a text such as 10s")
            for name in ("connectTimeout", "tlsTimeout", "tcpKeepAlive", "keepAliveTimeout")
            for value in (10, 1.5, "10", "ten", "10 s", "", True, "9999999999h", "2562047h48m", "-2562047h48m", [], {})
        ),
        (within(2, connectTimeout="9" * 5000 + "h"), "rule 3: connectTimeout is '9999"),
        *(
            (within(2, **{name: value}), f"rule 3: {name} is {value!r}: write a whole number")
            for name in ("keepAliveConnections", "proxyPort")
            for value in ("7", 1.5, True, 2**63, [7])
        ),
        *((within(2, proxyPort=p), f"rule 3: proxyPort is {p}: write a whole number") for p in (-1, 65536, 70000)),
        *(
            (within(2, **{name: value}), f"rule 3: {name} is {value!r}: write a text")
            for name in ("caPool", "httpHostHeader", "originServerName", "proxyAddress", "proxyType")
            for value in ({}, ["a"], 7, True)
        ),
        *(
            (within(2, ipRules=value), "rule 3: ipRules: ")
            for value in (5, "x", {}, [5], [{"prefix": 7}], [{"ports": 80}], [{"ports": ["80"]}], [{"allow": "yes"}])
        ),
        (lambda c: c["originRequest"].update(caPool={}), "originRequest: caPool is {}"),
        (lambda c: c.update({"warp-routing": 5}), "warp-routing: expected names and values"),
        (lambda c: c.update({"warp-routing": {"connectTimeout": 5}}), "warp-routing: connectTimeout is 5"),
        (lambda c: c.update({"warp-routing": {"enabled": "yes"}}), "warp-routing: enabled is 'yes'"),
        (lambda c: c.update(tunnel=[7]), "the file: tunnel is [7]"),
        (first(rewrite={}), "rule 1: rewrite is {}"),
        *(
            (within(2, **{name: value}), f"rule 3: {name} is {value!r}: write true or false")
            for name in ("noTLSVerify", "matchSNItoHost", "noHappyEyeballs", "disableChunkedEncoding", "http2Origin")
            for value in ("true", 1)
        ),
        (lambda c: c["originRequest"].update(connectTimeout=10), "originRequest: connectTimeout is 10"),
    ],
)
def test_what_cloudflared_refuses_is_refused_with_the_rule(change: Any, said: str):
    assert [said in problem for problem in changed(change)] == [True], changed(change)


@pytest.mark.parametrize(
    "service",
    [
        "http://127.0.0.1:80",
        "wss://h",
        "smb://files:445",
        "tcp://127.0.0.1:2222",
        "rdp://h",
        "unix:/run/app.sock",
        "unix+tls:/run/app.sock",
        "hello_world",
        "hello-world",
        "http://[::1]:80",
        "http_status:503",
    ],
)
def test_what_cloudflared_accepts_is_accepted(service: str):
    assert changed(first(service=service, originRequest=token("4"))) == []


@pytest.mark.parametrize(
    ("path", "taken", "not_taken"),
    [
        # Each was compared with the regexp of Go 1.27.
        (r"^/(?<n>a)\x{42}", "/aB", "/ab"),
        (r"^/\101\0$", "/A\0", "/101"),
        (r"^/\Q.\8[\E.$", r"/.\8[x", "/x"),
        (r"^/[[:alpha:]\x{2f}]\\x{2}$", r"/a\xx", "/a"),
    ],
)
def test_an_expression_of_go_takes_what_it_takes_there(path: str, taken: str, not_taken: str):
    from dialect import read

    rule = read({"ingress": [{"path": path, "service": "http://h"}, {"service": "http_status:404"}]})[0]
    assert rule.fits("any", taken) and not rule.fits("any", not_taken)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda c: c["ingress"][-1].update(service="http://127.0.0.1:80"),
            "the last rule sends every unknown hostname to http://127.0.0.1:80",
        ),
        (first(), "rule 1: asks for no Access token"),
        (
            # What the vendor's page suggests, and cloudflared ignores.
            lambda c: c["originRequest"].update(access=c["ingress"][1]["originRequest"].pop("access")),
            "rule 2: asks for no Access token: set access.required in the rule itself",
        ),
        (access(required=False), "rule 2: asks for no Access token"),
        (access(required=None), "rule 2: asks for no Access token"),
        *(
            (access(teamName=team), "rule 2: teamName is no team")
            for team in ("your-team.cloudflareaccess.com", "evil.example/x?", "Your-Team", "your-team\n", "a#")
        ),
        (access(audTag=[]), "rule 2: audTag names no application"),
        (access(audTag=[""]), "rule 2: audTag names no application"),
        (lambda c: c["ingress"][1].update(service="bastion"), "rule 2: bastion lets the caller choose"),
        (lambda c: c["ingress"][1].update(service="socks-proxy"), "rule 2: socks-proxy lets the caller choose"),
        (within(2, bastionMode=True), "rule 3: bastion lets the caller choose"),
        (lambda c: c["originRequest"].update(bastionMode=True), "rule 2: bastion lets the caller choose"),
        # In bastion mode cloudflared does not read the service.
        (first(service="", originRequest={"bastionMode": True}), "rule 1: bastion lets the caller choose"),
        (first(service="http://h/app", originRequest={"bastionMode": True}), "rule 1: bastion lets the caller"),
        (within(2, noTLSVerify=True), "rule 3: noTLSVerify takes any certificate"),
        (lambda c: c["originRequest"].update(noTLSVerify=True), "rule 3: noTLSVerify takes any certificate"),
        *(
            (first(service=s, originRequest={"noTLSVerify": True}), "rule 1: noTLSVerify takes any certificate")
            for s in ("HTTPS://h", "wSs://h", "unix+tls:/run/app.sock")
        ),
        (
            # What is empty in a rule is that of the whole file.
            lambda c: (
                c["originRequest"].update(noTLSVerify=True),
                c["ingress"][2]["originRequest"].update(noTLSVerify=None),
            ),
            "rule 3: noTLSVerify takes any certificate",
        ),
        *(
            (first(hostname=h), f"rule 1: write {h!r} as browsers send it: in lower case, with xn--")
            for h in (
                "Wiki2.example.com",
                "*.Example.com",
                "wiki.example.com.",
                "*wiki.example.com",
                "b\u00fccher.example",
                "\u2603.example",
                "a b.example",
            )
        ),
        (first(hostname="*.example.com"), "rule 2: never reached, rule 1 takes"),
        (first(hostname="wiki.example.com"), "rule 3: never reached, rule 1 takes"),
        *(
            (first(hostname="*.example.com", path=p), "rule 4: never reached, rule 1 takes")
            for p in ("/", ".*", "^/", "^/.*$", "(?s).")
        ),
        (lambda c: c["ingress"].insert(1, dict(c["ingress"][0])), "rule 2: never reached, rule 1 takes"),
        (first(hostname="", path="/"), "rule 4: never reached, rule 1 takes"),
        *(
            (
                lambda c, p=p: c["ingress"][0].update(path=p),
                r"rule 1: another spelling goes to rule 2: write path: (?i)[/\\]name",
            )
            for p in (
                *(
                    "^/metrics",
                    "^/+metrics",
                    "/metrics",
                    r"[/\\]metrics",
                    "^/(health|debug/pprof)",
                    r"(?i)[/\\]metrics$",
                ),
                *(
                    "^/api/private",
                    "^/metrics/",
                    r"^/\.env$",
                    "^/m$",
                    "^/[m]etrics",
                    "^/metrics(/|$)",
                    r"(?i)^[/\\]metrics",
                ),
                *(
                    r"(?i)[/\\]api[/\\]private",
                    r"(?i)[/\\]api.*[/\\]private",
                    "(?i)[/\\\\]m\u00e9",
                    r"(?i)[/\\]a-\b",
                    r"(?i)[/\\].*",
                ),
            )
        ),
        # The rule that closes has no hostname, or another one than the rule that takes the request.
        (lambda c: c["ingress"][0].update(path="^/metrics", hostname=""), "rule 1: another spelling goes to rule 2"),
        (lambda c: c["ingress"][0].update(path="^/metrics", hostname="*"), "rule 1: another spelling goes to rule 2"),
        (
            lambda c: c["ingress"][0].update(path="^/metrics", hostname="*.example.com"),
            "rule 1: another spelling goes to",
        ),
        # cloudflared tells WIKI from wiki.
        (lambda c: c["ingress"][1].update(hostname="*.example.com"), "rule 1: its hostname in capitals goes to rule 2"),
        (lambda c: c["ingress"][1].update(hostname="", path="^/x$"), "rule 1: its hostname in capitals goes to rule 2"),
        (lambda c: c["ingress"].insert(0, c["ingress"].pop(1)), "rule 2: never reached, rule 1 takes"),
        (
            # /public/../metrics goes to the first rule.
            first(hostname="wiki.example.com", path="^/public", originRequest=token("1", "your-team")),
            "rule 2: rule 1 takes a part before: put it above",
        ),
        # Another application's token for a part of the wiki: on another port, and on the same one.
        (
            first(hostname="wiki.example.com", path="^/admin", originRequest=token("4")),
            "rule 1: another spelling goes to rule 3",
        ),
        *(
            (
                first(hostname=host, path=path, service="http://127.0.0.1:8787", originRequest=token("4")),
                "rule 1: rule 3 asks for another token for the same service: use two",
            )
            for host, path in (("wiki.example.com", r"(?i)[/\\]admin"), ("*.example.com", "^/admin$"))
        ),
        (
            first(path="^/hook", originRequest=token("4")),
            "rule 1: /../ leads from its path to all of http://127.0.0.1:80",
        ),
        (first(path="(?i)[/\\\\]hook", originRequest=token("4")), "rule 1: /../ leads from its path to all of"),
    ],
)
def test_a_rule_that_lets_through_or_never_acts_is_named(change: Any, said: str):
    assert any(said in problem for problem in changed(change)), changed(change)


@pytest.mark.parametrize(
    "change",
    [
        *(
            lambda c, p=p: c["ingress"][0].update(path=p)
            for p in (
                *(r"(?i)[/\\]metrics\b", r"(?i)[/\\](metrics|debug)", r"(?i)[/\\]\.env", r"(?i)[/\\]m\b"),
                r"(?is)[/\\]api.*[/\\]private",
            )
        ),
        # A path of its own, on a hostname where the rest is closed.
        *(first(path=p, originRequest=token("4")) for p in ("^/hook$", "^/hook/?$", r"^/v1/files/[\w/-]*$")),
        *(
            within(2, connectTimeout=text)
            for text in ("10s", "1m30s", "1.5h", "0", "500ms", "-1s", "+.5h", "2562047h47m16.854775807s")
        ),
        within(2, keepAliveConnections=100, noHappyEyeballs=False, tlsTimeout=None, caPool=None, ipRules=None),
        within(2, proxyPort=0, proxyType="socks", httpHostHeader="git.internal", proxyAddress="127.0.0.1"),
        within(2, proxyPort=65535, ipRules=[{"prefix": "198.51.100.0/24", "ports": [80], "allow": True}, {}]),
        lambda c: c.update({"warp-routing": {"enabled": True, "connectTimeout": "5s"}}),
        # Two ports of one application ask for the same token.
        lambda c: c["ingress"].insert(1, {**c["ingress"][1], "path": "^/static", "service": "http://127.0.0.1:8788"}),
        # One hostname below a wildcard.
        first(hostname="any.staging.example.com", originRequest=token("4")),
    ],
)
def test_what_leaves_no_way_past_is_accepted(change: Any):
    assert changed(change) == []


@pytest.mark.parametrize(("hostname", "host"), [("*.example.org", "example.org"), ("a.example.org", "A.example.org")])
def test_a_hostname_is_compared_letter_by_letter(hostname: str, host: str):
    from dialect import reached, read

    rules = read({"ingress": [{"hostname": hostname, "service": "http://h"}, {"service": "http_status:404"}]})
    assert reached(rules, f"https://{host}/") is rules[1]
    assert reached(rules, f"https://{hostname.replace('*', 'a.b')}/") is rules[0]


@pytest.mark.parametrize(
    ("text", "status", "out", "err"),
    [
        (
            "ingress: [{hostname: a.example.com, service: 'http://127.0.0.1:1'}]\n",
            1,
            "the last rule must take everything: add '- service: http_status:404'\n",
            "",
        ),
        ("ingress: [", 2, "", "cannot check it: Unreadable: config.yml:1: "),
        ("", 1, "there is no ingress rule\n", ""),
        *(
            (text, 2, "", "cannot check it: Unreadable: config.yml:")
            for text in (
                "ingress: [{service: 'http://127.0.0.1:80'}]\ningress: [{service: 'http_status:404'}]\n",
                "ingress: [{service: 'http://127.0.0.1:80', service: 'http_status:404'}]\n",
            )
        ),
        ("[]", 1, "the file: expected names and values, found []\n", ""),
        ("ingress: [{service: 'http_status:404'}]", 2, "", "cannot check it: ValueError: "),
    ],
)
def test_the_command_says_what_is_wrong_and_fails(
    tmp_path: Path, text: str, status: int, out: str, err: str, capsys: pytest.CaptureFixture[str]
):
    from ingress import main

    (tmp_path / "config.yml").write_text(text, encoding="utf-8")
    assert main([str(tmp_path / "config.yml"), "https://a.example/%zz"]) == status
    said = capsys.readouterr()
    assert said.out == out and said.err.startswith(err) and len(said.err.splitlines()) == bool(err)


@pytest.mark.parametrize(
    "url", ["", "wiki.example.com", "wiki.example.com/", "//wiki.example.com/", "https:wiki.example.com", "https:///x"]
)
def test_what_is_no_address_is_not_said_to_be_closed(url: str, capsys: pytest.CaptureFixture[str]):
    from ingress import main

    assert main([str(EXAMPLE / "config.yml"), url]) == 2
    said = capsys.readouterr()
    assert said.out == "" and f"{url!r} is no address: write it like https://wiki.example.com/" in said.err


def test_a_call_without_a_file_and_a_file_in_another_encoding_are_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    from ingress import main

    (tmp_path / "config.yml").write_bytes(b"ingress:\n# Geb\xfchr\n")
    assert (main([]), main([str(tmp_path / "config.yml")])) == (2, 2)
    assert capsys.readouterr().err.splitlines() == [
        "usage: ingress.py CONFIG [ADDRESS ...]",
        "cannot check it: Unreadable: config.yml:2: not UTF-8",
    ]


def test_aliases_that_unfold_to_gigabytes_are_told_in_one_short_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    from ingress import main

    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))]
    for name in ("originRequest", "ingress", "warp-routing", "tunnel"):
        (tmp_path / "config.yml").write_text("\n".join([*lines, f"{name}: *a11"]), encoding="utf-8")
        assert main([str(tmp_path / "config.yml")]) == 1
        [line] = capsys.readouterr().out.splitlines()
        assert len(line) < 200


def test_a_page_names_what_the_deadline_of_the_keys_leaves_out():
    page = " ".join((SNIPPETS.parent / "docs/patterns/tunnel-access.md").read_text(encoding="utf-8").split())
    assert "The lookup of the team's name in DNS is outside this deadline" in page


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
