"""The platform, as visitors, tenants' developers, tenants' code and the staff meet it."""

import json
import re
import socket
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from runtime.setups import EXAMPLES
from runtime.workers import SNIPPETS, Example, Runtime
from tests.snippets.multi_tenant_platform.cloudflare_api import SCRIPTS, Api, cloudflare_api
from tests.support.patience import PATIENCE_S, until_limited

SLUG = "multi-tenant-platform"
STAFF = "local-staff-token-0123456789abcdef"
MEDDLING_MAP = Path(__file__).with_name("multi_tenant_platform") / "meddling_map"
GUESTBOOK = (SNIPPETS / SLUG / "tenants" / "guestbook.js").read_text()
SECRET = "tenant-secret-4711"
Refused = tuple[int, str]


class Platform:
    """The running example, with the two tenants that most tests use."""

    def __init__(self, example: Example) -> None:
        self.example = example
        self.tokens: dict[str, str] = {}
        self.live: dict[str, str] = {}

    def control(self, method: str, path: str, token: str = STAFF, **options: object) -> httpx.Response:
        if path.endswith(("/versions", "/activate")):
            self.live.pop(path.split("/")[1], None)
        headers = {"Host": "control.example.com", "Authorization": f"Bearer {token}"}
        return self.example.http.request(method, f"/v1/tenants{path}", headers=headers, **options)

    def tenant(self, name: str, plan: str = "free") -> None:
        self.tokens[name] = self.control("POST", "", json={"id": name, "plan": plan}).json()["token"]

    def upload(self, name: str, code: str, **modules: str) -> httpx.Response:
        # By the staff: a tenant's own calls are limited, and these tests make many.
        body = {"main": "index.js", "modules": {"index.js": code, **modules}}
        return self.control("POST", f"/{name}/versions", json=body)

    def deploy(self, name: str, code: str) -> int:
        response = self.upload(name, code)
        assert response.status_code == 201, response.text
        self.live[name] = code
        return response.json()["version"]

    def visit(self, host: str, path: str = "/", method: str = "GET", **options: object) -> httpx.Response:
        host = host if "." in host else f"{host}.apps.example.com"
        headers = {"Host": host, **options.pop("headers", {})}
        return self.example.http.request(method, path, headers=headers, **options)

    def logged(self, event: str, request_id: str) -> dict:
        lines = [json.loads(line.split(": ", 1)[1]) for line in self.example.logs() if line.startswith("log: {")]
        return next(line for line in lines if line["event"] == event and line.get("requestId") == request_id)


def refusal(response: httpx.Response) -> Refused:
    error = response.json()["error"]
    assert set(error) == {"code", "message"} and error["message"].endswith(".")
    assert response.headers["cache-control"] == "no-store" and response.headers["x-request-id"]
    return response.status_code, error["code"]


def returns(expression: str, before: str = "") -> str:
    return f"{before}\nexport default {{ async fetch(request, env, ctx) {{ return {expression} }} }};"


@pytest.fixture(scope="module")
def platform(runtime: Runtime) -> Iterator[Platform]:
    with EXAMPLES[SLUG].run(runtime) as example:
        platform = Platform(example)
        platform.tenant("acme")
        platform.tenant("globex", "pro")
        yield platform


@pytest.fixture(scope="module")
def meddled(runtime: Runtime) -> Iterator[Platform]:
    """The control plane with a map that refuses fast writes, as KV does, and that others change meanwhile."""
    stand_ins = {"SITES": "meddling-map", "DEPLOYER": "meddling-map"}
    with runtime.example(
        f"{SLUG}/control", MEDDLING_MAP, secrets={"STAFF_TOKEN": STAFF}, stand_ins=stand_ins
    ) as example:
        example.migrate("DB")
        platform = Platform(example)
        platform.tenant("acme")
        platform.tenant("globex")
        yield platform


@pytest.fixture
def guestbooks(platform: Platform) -> Platform:
    for name in ("acme", "globex"):
        if platform.live.get(name) != GUESTBOOK:
            platform.deploy(name, GUESTBOOK)
    return platform


# Visitors


def test_a_visitor_gets_the_tenants_answer_with_a_request_id(guestbooks):
    assert guestbooks.visit("acme", method="POST", content="hello").status_code == 200
    response = guestbooks.visit("acme", content=b"some clients send a body with a GET")
    assert response.json()["tenant"] == "acme" and "hello" in response.json()["entries"]
    assert response.headers["x-request-id"]


def test_a_host_that_nobody_registered_gets_404_and_nothing_is_run(platform):
    for host in (
        "nobody.apps.example.com",
        "apps.example.com",
        "x.acme.apps.example.com",
        "acme.apps.example.com.evil.example",
    ):
        assert refusal(platform.visit(host)) == (404, "no_such_site"), host


def test_a_tenant_without_code_gets_404(platform):
    platform.tenant("empty")
    assert refusal(platform.visit("empty")) == (404, "not_deployed")


def test_a_suspended_tenant_gets_403_and_comes_back(guestbooks):
    guestbooks.control("PATCH", "/acme", json={"state": "suspended"})
    assert refusal(guestbooks.visit("acme")) == (403, "suspended")
    assert guestbooks.visit("globex").status_code == 200
    guestbooks.control("PATCH", "/acme", json={"state": "active"})
    assert guestbooks.visit("acme").status_code == 200


def test_one_busy_tenant_is_slowed_down_and_the_others_are_not(platform):
    platform.tenant("busy")
    platform.control("PATCH", "/busy", json={"state": "suspended"})
    answers: list[httpx.Response] = []
    # Far more than the limit: also across the border of two periods, and on a slow machine, one of them is full.
    with ThreadPoolExecutor(8) as pool:
        while len(answers) < 2000 and not any(a.status_code == 429 for a in answers):
            answers += pool.map(lambda _: platform.visit("busy"), range(41))
    limited = [a for a in answers if a.status_code == 429]
    assert len(answers) - len(limited) >= 200
    assert refusal(limited[0]) == (429, "rate_limited") and limited[0].headers["retry-after"] == "10"
    assert platform.visit("globex").status_code != 429


def raw(platform: Platform, target: str, *headers: str) -> tuple[int, str]:
    address = urlsplit(platform.example.url)
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S) as connection:
        connection.sendall("\r\n".join([f"GET {target} HTTP/1.1", *headers, "Connection: close", "", ""]).encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    return int(answer.split()[1]), answer


@pytest.mark.parametrize(
    "host",
    [
        "ACME.apps.Example.COM",
        "acme.apps.example.com.",
        "acme.apps.example.com:80",
        "acme.apps.example.com:8443",
        "AcMe.APPS.example.com.:8080",
    ],
)
def test_every_spelling_of_a_host_is_the_same_tenant(guestbooks, host):
    status, answer = raw(guestbooks, "/", f"Host: {host}")
    assert status == 200 and '"tenant":"acme"' in answer


def test_headers_that_name_another_host_change_nothing(guestbooks):
    forged = dict.fromkeys(
        ("X-Forwarded-Host", "Forwarded", "X-Host", "X-Original-Host", "X-Platform-Tenant"), "globex.apps.example.com"
    )
    assert guestbooks.visit("acme", headers=forged).json()["tenant"] == "acme"


CLAIMS = (
    "Forwarded X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-Forwarded-Prefix X-Real-IP True-Client-IP X-Client-IP "
    "X-Host X-Original-Host X-Original-URL X-Rewrite-URL X-HTTP-Method-Override X-HTTP-Method X-Method-Override "
    "X-Platform-Tenant X-Request-Id Client-IP X-Cluster-Client-IP X-Remote-Addr X-Remote-User Remote-User X-Originating-IP "
    "Fastly-Client-IP X-Scheme X-Override-URL X_Forwarded_For X_Forwarded_Host CF-Access-Jwt-Assertion "
    "CF-Access-Authenticated-User-Email CF-Worker CF-IPCountry CF-Visitor X-Middleware-Subrequest X-Invented Via TE Proxy-Authorization"
).split()


def test_a_tenant_gets_its_visitors_own_headers_and_nothing_that_only_a_proxy_may_say(guestbooks):
    guestbooks.deploy("acme", returns("Response.json([[...request.headers], request.cf ?? null])"))
    forged = dict.fromkeys(CLAIMS, "forged.example")
    own = {"cookie": "a=b", "x-app-cart": "7", "sec-fetch-site": "none", "webhook-id": "9", "if-none-match": '"1"'}
    headers, cf = guestbooks.visit("acme", headers={**forged, **own}).json()
    assert "forged.example" not in json.dumps(headers) and cf is None
    assert own.items() <= dict(headers).items()


def test_a_redirect_of_a_tenant_reaches_the_visitor_and_is_not_followed(guestbooks):
    guestbooks.deploy("acme", returns("Response.redirect('https://elsewhere.example/', 302)"))
    answer = guestbooks.visit("acme", method="POST", content="kept")
    assert (answer.status_code, answer.headers["location"]) == (302, "https://elsewhere.example/")


@pytest.mark.parametrize(
    "host", ["", "acme.apps.example.com..", ".acme.apps.example.com", "acme", "127.0.0.1", "[::1]", "a b", "é.example"]
)
def test_a_host_in_no_valid_form_reaches_no_tenant(guestbooks, host):
    status, answer = raw(guestbooks, "/", f"Host: {host}")
    assert status >= 400 and "entries" not in answer


def test_an_absolute_address_or_a_second_host_reaches_one_tenant_at_most(guestbooks):
    for target, *hosts in [
        ("http://acme.apps.example.com/", "Host: globex.apps.example.com"),
        ("/", "Host: acme.apps.example.com", "Host: globex.apps.example.com"),
        ("/", "Host: acme.apps.example.com/globex.apps.example.com"),
        ("/", "Host: globex.apps.example.com@acme.apps.example.com"),
    ]:
        status, answer = raw(guestbooks, target, *hosts)
        assert ('"tenant":"acme"' in answer) + ('"tenant":"globex"' in answer) == (status == 200)


# Between tenants


def test_a_tenant_sees_its_own_environment_and_nothing_of_the_platform(platform):
    platform.deploy(
        "acme",
        returns(
            "Response.json([Object.keys(env).sort(), env.TENANT, Object.keys(ctx.exports ?? {}), ctx.props ?? {}, process.env])"
        ),
    )
    assert platform.visit("acme").json() == [["DB", "TENANT"], "acme", ["default"], {}, {"TENANT": "acme"}]


def test_a_tenant_cannot_read_the_data_of_another(guestbooks):
    guestbooks.visit("globex", method="POST", content=SECRET)
    assert SECRET in guestbooks.visit("globex").text
    assert SECRET not in guestbooks.visit("acme").text
    dump = 'Response.json((await env.DB.prepare("SELECT * FROM sqlite_master").all()).results)'
    guestbooks.deploy("acme", returns(dump))
    assert "entries" in guestbooks.visit("acme").text and SECRET not in guestbooks.visit("acme").text
    guestbooks.deploy(
        "acme", returns("Response.json((await env.DB.prepare(\"ATTACH 'globex' AS other\").all()).results)")
    )
    assert refusal(guestbooks.visit("acme")) == (502, "site_failed")


@pytest.mark.parametrize("cache", ["(await caches.open('shared'))", "caches.default"])
def test_a_tenant_reads_nothing_of_another_through_a_cache(platform, cache):
    """Locally no tenant has a cache at all, and the page says so: keeping fails, and so does looking."""
    platform.deploy("globex", returns(f"await {cache}.put('https://shared.example/', new Response('{SECRET}'))"))
    platform.deploy("acme", returns(f"(await {cache}.match('https://shared.example/')) ?? new Response('nothing')"))
    for tenant in ("globex", "acme"):
        answer = platform.visit(tenant)
        assert refusal(answer) == (502, "site_failed") and SECRET not in answer.text
        assert "No Cache was configured" in platform.logged("refused", answer.headers["x-request-id"])["reason"]


def test_globals_of_one_tenant_do_not_reach_another(platform):
    mark = f"Response.json(globalThis.mark ?? (globalThis.mark = '{SECRET}', null))"
    platform.deploy("globex", returns(mark))
    platform.visit("globex")
    platform.deploy("acme", returns("Response.json(globalThis.mark ?? 'clean')"))
    assert platform.visit("acme").json() == "clean"


def test_a_cookie_for_the_shared_domain_is_dropped_and_a_cookie_of_its_own_kept(platform):
    headers = '[["Clear-Site-Data", "\\"cookies\\""], ["Set-Cookie", "own=1; Path=/"], ["Set-Cookie", "evil=1; Domain = .apps.example.com"], ["Set-Cookie", "evil=2; DOMAIN=example.com"]]'
    platform.deploy("acme", returns(f"new Response('', {{ headers: {headers} }})"))
    answer = platform.visit("acme")
    assert answer.headers.get_list("set-cookie") == ["own=1; Path=/"]
    assert "clear-site-data" not in answer.headers, "it would clear the cookies of all tenants"


# The way out


@pytest.fixture(scope="module")
def caller(platform: Platform) -> Platform:
    platform.tenant("caller")
    platform.deploy("caller", GUESTBOOK)
    platform.control("PATCH", "/caller", json={"allow": ["API.pay.example"]})
    return platform


def call(platform: Platform, url: str) -> httpx.Response:
    return platform.visit("caller", "/call", params={"url": url})


def test_a_host_on_the_list_is_reached_and_learns_which_tenant_calls(caller):
    response = call(caller, "https://api.pay.example/charge")
    assert response.json() == {"reached": "api.pay.example", "path": "/charge", "tenant": "caller"}
    assert caller.logged("egress", response.headers["x-request-id"])["hostname"] == "api.pay.example"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "http://api.pay.example/",
        "https://api.pay.example:8443/",
        "https://api.pay.example.evil.example/",
        "https://api.pay.example@evil.example/",
        "https://sub.api.pay.example/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "http://169.254.169.254/",
        "https://control.example.com/v1/tenants/acme",
        "https://globex.apps.example.com/",
        "https://api.pay.example./",
        "https://api.pay.example/?to=https://evil.example/",
    ],
)
def test_any_other_address_is_refused_also_after_a_redirect(caller, url):
    response = call(caller, url)
    assert (response.status_code, response.json()["error"]["code"]) == (403, "egress_refused")
    assert caller.logged("egress_refused", response.headers["x-request-id"])["tenant"] == "caller"


def test_the_list_of_one_tenant_opens_nothing_for_another(guestbooks, caller):
    response = guestbooks.visit("acme", "/call", params={"url": "https://api.pay.example/"})
    assert (response.status_code, response.json()["error"]["code"]) == (403, "egress_refused")


OPTIONS = """{
  method: "POST",
  body: "7",
  headers: {
    Host: "evil.example", "CF-Worker": "x", "CF-Connecting-IP": "1.2.3.4", "X-Forwarded-For": "1.2.3.4",
    Forwarded: "for=1.2.3.4", "X-Real-IP": "1.2.3.4", "X-HTTP-Method-Override": "DELETE", "X-Anything": "x",
    Authorization: "Bearer its-own", "Content-Type": "text/csv", "Idempotency-Key": "k",
  },
  cf: { cacheEverything: true, cacheKey: "shared", resolveOverride: "other.example.com" },
}"""


def test_a_call_leaves_as_a_request_of_ours_without_the_tenants_options_and_past_every_cache(platform, caller):
    platform.deploy("caller", returns(f'await fetch("https://api.pay.example/mirror", {OPTIONS})'))
    seen = platform.visit("caller").json()
    platform.deploy("caller", GUESTBOOK)
    assert seen["headers"] == {
        "authorization": "Bearer its-own",
        "content-type": "text/csv",
        "idempotency-key": "k",
        "x-platform-tenant": "caller",
    }
    assert (seen["method"], seen["body"]) == ("POST", "7")
    assert seen["cf"] is None and seen["cache"] == "no-store"


def test_a_tenant_cannot_forge_its_name_or_leave_by_a_socket(platform, caller):
    forged = 'await fetch("https://api.pay.example/", { headers: { "X-Platform-Tenant": "acme" } })'
    platform.deploy("caller", returns(forged))
    assert platform.visit("caller").json()["tenant"] == "caller"
    opened = 'await connect({ hostname: "127.0.0.1", port: 9 }).opened.then(() => new Response("open"))'
    platform.deploy("caller", returns(opened, 'import { connect } from "cloudflare:sockets";'))
    assert refusal(platform.visit("caller")) == (502, "site_failed")
    platform.deploy("caller", GUESTBOOK)


# Code that fails


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (f"export default {{ fetch() {{ throw new Error('{SECRET}'); }} }};", (502, "site_failed")),
        (f"export default {{ fetch() {{ throw {{ message: '{SECRET}' }}; }} }};", (502, "site_failed")),
        (returns("await new Promise(() => {})"), (502, "site_failed")),
        (returns(f"'{SECRET}'"), (502, "site_failed")),
        ("export default {};", (502, "site_failed")),
        (returns("await scheduler.wait(60_000)"), (504, "site_slow")),
    ],
    ids=["throws", "throws an object", "hangs", "answers no Response", "has no handler", "is slow"],
)
def test_broken_code_hurts_its_own_tenant_only_and_its_error_stays_in_the_log(guestbooks, code, expected):
    guestbooks.deploy("acme", code)
    with ThreadPoolExecutor(2) as pool:
        broken, other = pool.submit(guestbooks.visit, "acme"), pool.submit(guestbooks.visit, "globex")
        response = broken.result()
        assert other.result().json()["tenant"] == "globex"
    assert refusal(response) == expected
    assert SECRET not in response.text
    assert guestbooks.logged("refused", response.headers["x-request-id"])["reason"].startswith("acme: ")


def test_a_long_error_is_cut_between_characters(guestbooks):
    code = "throw new Error(new URL(request.url).pathname + '😀'.repeat(400));"
    guestbooks.deploy("acme", f"export default {{ fetch(request) {{ {code} }} }};")
    for path in ("/", "/x"):
        answer = guestbooks.visit("acme", path)
        reason = guestbooks.logged("refused", answer.headers["x-request-id"])["reason"]
        assert re.fullmatch(r"acme: \w*Error: /x?😀{200,}", reason)


def options_of(platform: Platform, name: str) -> dict:
    """What the dispatch Worker passes with a visit of this tenant."""
    platform.visit(name)
    line = [line for line in platform.example.logs() if "local_dispatch" in line and f'"name":"{name}"' in line][-1]
    return json.loads(line.removeprefix("log: "))


def test_each_call_carries_the_limits_of_the_plan_also_after_it_changed(guestbooks):
    free, pro = {"cpuMs": 10, "subRequests": 5}, {"cpuMs": 50, "subRequests": 50}
    assert [options_of(guestbooks, name)["limits"] for name in ("acme", "globex")] == [free, pro]
    for plan, limits in (("pro", pro), ("free", free)):
        assert guestbooks.control("PATCH", "/acme", json={"plan": plan}).json()["plan"] == plan
        assert options_of(guestbooks, "acme")["limits"] == limits


def test_an_unreadable_map_gives_503_and_runs_nobody(runtime):
    folders = [f"{SLUG}/{name}" for name in ("dispatch", "deployer", "outbound")]
    with runtime.example(*folders, stand_ins={"SITES": "deployer", "DISPATCHER": "deployer"}) as example:
        response = Platform(example).visit("acme")
        assert refusal(response) == (503, "unavailable") and response.headers["retry-after"] == "5"


# Versions


def test_a_new_version_is_live_at_once_and_a_roll_back_brings_the_old_one(platform):
    one = platform.deploy("acme", returns("new Response('one')"))
    two = platform.deploy("acme", returns("new Response('two')"))
    assert two == one + 1 and platform.visit("acme").text == "two"
    token = platform.tokens["acme"]
    assert platform.control("POST", f"/acme/versions/{one}/activate", token).json()["live"] is True
    assert platform.visit("acme").text == "one"
    assert platform.control("GET", "/acme", token).json()["live"] == one
    body = {"main": "index.js", "modules": {"index.js": returns("new Response('three')")}}
    assert platform.control("POST", "/acme/versions", token, json=body).json()["live"] is True
    assert platform.visit("acme").text == "three"


@pytest.mark.parametrize(
    "code", ["export default {", "throw new Error('at the start')", "import './missing.js'; export default {}"]
)
def test_code_that_does_not_load_is_refused_and_the_live_version_stays(platform, code):
    live = platform.deploy("acme", returns("new Response('good')"))
    assert refusal(platform.upload("acme", code)) == (422, "code_refused")
    assert platform.visit("acme").text == "good"
    assert platform.control("GET", "/acme").json()["live"] == live
    assert refusal(platform.control("POST", f"/acme/versions/{live + 1}/activate")) == (404, "no_such_version")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"main": "a.js"},
        {"main": "a.js", "modules": []},
        {"main": "a.js", "modules": {}},
        {"main": "b.js", "modules": {"a.js": ""}},
        {"main": "a.js", "modules": {"a.js": 1}},
        {"main": "a.js", "modules": {"a.js": ""}, "bindings": []},
        *[
            {"main": name, "modules": {name: ""}}
            for name in ("../a.js", "/a.js", "a.ts", "metadata", "A.js", "a..js", 'a".js', "a\r\n.js", "x" * 99 + ".js")
        ],
        {"main": "a0.js", "modules": {f"a{n}.js": "" for n in range(51)}},
    ],
)
def test_an_upload_of_any_other_shape_is_refused(platform, body):
    assert refusal(platform.control("POST", "/acme/versions", json=body)) == (400, "invalid")


def test_an_upload_that_is_too_large_or_no_json_is_refused(platform):
    assert refusal(platform.control("POST", "/acme/versions", content=b"x" * (2**20 + 1))) == (413, "too_large")
    assert refusal(platform.control("POST", "/acme/versions", content=iter([b"x" * 2**20, b"x"]))) == (413, "too_large")
    for content in (b"", b"{", b"[]", b"null", b"\xff"):
        assert refusal(platform.control("POST", "/acme/versions", content=content)) == (400, "invalid")


def test_a_second_deploy_at_the_same_time_is_refused_and_a_dead_one_blocks_for_a_minute_only(meddled):
    lock = "UPDATE tenants SET deploying_until = unixepoch() + ? WHERE id = 'acme'"
    meddled.example.call("DEPLOYER", "hold", "acme", True)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(meddled.upload, "acme", GUESTBOOK)
        try:
            meddled.example.call("DEPLOYER", "untilUploading", "acme")
            for _ in range(2):
                assert refusal(meddled.upload("acme", GUESTBOOK)) == (409, "deploy_running")
            assert meddled.upload("globex", GUESTBOOK).status_code == 201
            # The first takes longer than its minute, and the lock is another's by now.
            meddled.example.d1("DB", lock, 50)
        finally:
            meddled.example.call("DEPLOYER", "hold", "acme", False)
        assert first.result().status_code == 201
    assert refusal(meddled.upload("acme", GUESTBOOK)) == (409, "deploy_running")
    meddled.example.d1("DB", lock, 0)
    for _ in range(2):
        assert meddled.upload("acme", GUESTBOOK).status_code == 201


def test_a_version_whose_text_is_missing_or_changed_is_not_activated(platform):
    number = platform.deploy("acme", GUESTBOOK)
    platform.example.call("CODE", "put", f"acme/{number}", "{}", worker="control")
    assert refusal(platform.control("POST", f"/acme/versions/{number}/activate")) == (503, "unavailable")
    assert platform.visit("acme").status_code == 200


# Who may do what


@pytest.mark.parametrize(
    "token",
    ["x", STAFF + "x", "acme.", "acme." + "A" * 43, "nobody." + "A" * 43, "acme' OR 1=1--." + "A" * 43, "x" * 300],
)
def test_a_wrong_token_gets_401_and_changes_nothing(platform, token):
    response = platform.control("PATCH", "/acme", token, json={"state": "suspended"})
    assert refusal(response) == (401, "unauthenticated")
    assert platform.control("GET", "/acme").json()["state"] == "active"


def test_a_tenant_reaches_its_own_routes_only(platform):
    token = platform.tokens["acme"]
    assert platform.control("GET", "/acme", token).status_code == 200
    for method, path in [
        ("GET", "/globex"),
        ("POST", "/globex/versions"),
        ("POST", "/globex/versions/1/activate"),
        ("POST", "/globex/hostnames"),
        ("GET", "/nobody"),
        ("POST", ""),
        ("PATCH", "/acme"),
        ("PATCH", "/globex"),
        ("POST", "/acme/token"),
        ("GET", "/acme/../globex"),
        ("GET", "/acme%2f..%2fglobex"),
    ]:
        assert refusal(platform.control(method, path, token, json={})) == (403, "forbidden"), (method, path)


def test_a_new_token_takes_the_place_of_a_lost_or_stolen_one(platform):
    platform.tenant("robbed")
    stolen = platform.tokens["robbed"]
    renewed = platform.control("POST", "/robbed/token")
    assert (renewed.status_code, renewed.headers["cache-control"]) == (201, "no-store")
    platform.tokens["robbed"] = renewed.json()["token"]
    assert refusal(platform.control("GET", "/robbed", stolen)) == (401, "unauthenticated")
    assert platform.control("GET", "/robbed", platform.tokens["robbed"]).json()["id"] == "robbed"


def test_a_creation_that_broke_off_at_the_map_is_mended_by_a_new_token(meddled):
    meddled.example.call("SITES", "fail", "torn.apps.example.com", True)
    broken = meddled.control("POST", "", json={"id": "torn", "plan": "free"})
    assert refusal(broken) == (503, "map_behind") and broken.headers["retry-after"]
    meddled.example.call("SITES", "fail", "torn.apps.example.com", False)
    assert refusal(meddled.control("POST", "", json={"id": "torn", "plan": "free"})) == (409, "exists")
    token = meddled.control("POST", "/torn/token").json()["token"]
    assert meddled.control("GET", "/torn", token).json()["id"] == "torn"
    assert json.loads(meddled.example.call("SITES", "get", "torn.apps.example.com"))["tenant"] == "torn"


def test_a_tenant_that_calls_too_often_is_slowed_down_and_the_others_and_the_staff_are_not(platform):
    platform.tenant("hasty")
    answer = until_limited(lambda: platform.control("GET", "/hasty", platform.tokens["hasty"]), 30)
    assert refusal(answer) == (429, "rate_limited") and answer.headers["retry-after"] == "60"
    assert platform.control("GET", "/globex", platform.tokens["globex"]).status_code == 200
    assert platform.control("GET", "/hasty").status_code == 200


def test_no_token_stands_in_the_log(platform):
    said = "\n".join(platform.example.logs())
    assert STAFF not in said and not [t for t in platform.tokens.values() if t in said]


@pytest.mark.parametrize(
    "body",
    [{"id": i, "plan": "free"} for i in ("", "ab", "Acme", "-ab", "ab-", "a.b", "a" * 32, "xn--abc", 1)]
    + [{"id": "new"}, {"id": "new", "plan": "gold"}, {"id": "new", "plan": "toString"}],
)
def test_a_tenant_of_any_other_shape_is_refused(platform, body):
    assert refusal(platform.control("POST", "", json=body)) == (400, "invalid")


def test_an_id_is_given_once(platform):
    assert refusal(platform.control("POST", "", json={"id": "acme", "plan": "pro"})) == (409, "exists")
    assert platform.control("GET", "/acme").json()["plan"] == "free"


def test_a_database_that_a_tenant_has_is_never_given_to_a_second(meddled):
    meddled.example.d1("DB", "UPDATE tenants SET database_id = 'database-of-thief' WHERE id = 'globex'")
    assert meddled.control("POST", "", json={"id": "thief", "plan": "free"}).status_code == 500
    assert refusal(meddled.control("GET", "/thief")) == (404, "no_such_tenant")


# Hostnames of their own


def prove(platform: Platform, host: str, *values: str) -> None:
    platform.example.call("STATE", "put", f"txt:_platform.{host}", json.dumps(values))


def claim(platform: Platform, tenant: str, host: str) -> dict:
    return platform.control("POST", f"/{tenant}/hostnames", platform.tokens[tenant], json={"hostname": host}).json()


def verify(platform: Platform, tenant: str, host: str) -> httpx.Response:
    return platform.control("POST", f"/{tenant}/hostnames/{host}/verify", platform.tokens[tenant])


def test_a_hostname_serves_its_tenant_once_it_is_proved_and_nobody_after_it_is_released(guestbooks):
    claimed = claim(guestbooks, "acme", "Shop.Example.")
    assert claimed["hostname"] == "shop.example" and claimed["record"]["name"] == "_platform.shop.example"
    assert refusal(guestbooks.visit("shop.example")) == (404, "no_such_site")
    assert refusal(verify(guestbooks, "acme", "shop.example")) == (409, "not_verified")
    prove(guestbooks, "shop.example", "spf1", claimed["record"]["value"])
    assert verify(guestbooks, "acme", "shop.example").json()["state"] == "active"
    assert guestbooks.visit("SHOP.example.").json()["tenant"] == "acme"
    guestbooks.control("PATCH", "/acme", json={"state": "suspended"})
    assert refusal(guestbooks.visit("shop.example")) == (403, "suspended")
    guestbooks.control("PATCH", "/acme", json={"state": "active"})
    guestbooks.control("DELETE", "/acme/hostnames/shop.example", guestbooks.tokens["acme"])
    assert refusal(guestbooks.visit("shop.example")) == (404, "no_such_site")


def test_a_tenant_cannot_take_the_hostname_of_another(guestbooks):
    mine, theirs = claim(guestbooks, "acme", "bakery.example"), claim(guestbooks, "globex", "bakery.example")
    prove(guestbooks, "bakery.example", mine["record"]["value"])
    assert refusal(verify(guestbooks, "globex", "bakery.example")) == (409, "not_verified")
    assert verify(guestbooks, "acme", "bakery.example").status_code == 200
    prove(guestbooks, "bakery.example", mine["record"]["value"], theirs["record"]["value"])
    assert refusal(verify(guestbooks, "globex", "bakery.example")) == (409, "taken")
    assert guestbooks.visit("bakery.example").json()["tenant"] == "acme"


def test_a_release_that_broke_off_keeps_the_name_from_others_until_it_is_repeated(guestbooks):
    mine, theirs = claim(guestbooks, "acme", "florist.example"), claim(guestbooks, "globex", "florist.example")
    prove(guestbooks, "florist.example", mine["record"]["value"], theirs["record"]["value"])
    assert verify(guestbooks, "acme", "florist.example").status_code == 200
    guestbooks.example.d1(
        "DB",
        "UPDATE hostnames SET state = 'leaving' WHERE host = 'florist.example' AND tenant = 'acme'",
        worker="control",
    )
    assert refusal(verify(guestbooks, "globex", "florist.example")) == (409, "taken")
    for _ in range(2):
        guestbooks.control("DELETE", "/acme/hostnames/florist.example", guestbooks.tokens["acme"])
    assert refusal(guestbooks.visit("florist.example")) == (404, "no_such_site")
    assert verify(guestbooks, "globex", "florist.example").status_code == 200
    assert guestbooks.visit("florist.example").json()["tenant"] == "globex"


def test_what_changes_while_the_map_is_written_is_in_the_map_at_the_end(meddled):
    meanwhile = {
        "switched": ("UPDATE tenants SET state = 'suspended' WHERE id = 'switched'", ("switched", "suspended")),
        "released": ("DELETE FROM hostnames WHERE host = 'released.example'", None),
        "passed-on": ("UPDATE hostnames SET tenant = 'globex' WHERE host = 'passed-on.example'", ("globex", "active")),
    }
    for tenant, (change, _) in meanwhile.items():
        meddled.tenant(tenant)
        meddled.example.d1(
            "DB",
            "INSERT INTO hostnames (host, tenant, proof, state) VALUES (?, ?, '', 'active')",
            f"{tenant}.example",
            tenant,
        )
        meddled.example.call("SITES", "before", f"{tenant}.example", change)
    meddled.example.call("SITES", "rest")
    meddled.tenant("hurried")  # its entry was written within this second
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(
            lambda tenant: meddled.control("PATCH", f"/{tenant}", json={"plan": "pro"}).status_code,
            [*meanwhile, "hurried"],
        )
        assert list(answers) == [200, 200, 200, 200]
    assert json.loads(meddled.example.call("SITES", "get", "hurried.apps.example.com"))["plan"] == "pro"
    for tenant, (_, entry) in meanwhile.items():
        found = json.loads(meddled.example.call("SITES", "get", f"{tenant}.example") or "null")
        assert (found and (found["tenant"], found["state"])) == entry


def test_a_release_while_the_map_is_away_is_told_to_come_again_and_is_then_done(meddled):
    host = "away.example"
    meddled.example.d1(
        "DB", "INSERT INTO hostnames (host, tenant, proof, state) VALUES (?, 'acme', '', 'active')", host
    )
    meddled.example.call("SITES", "fail", host, True)
    away = meddled.control("DELETE", f"/acme/hostnames/{host}")
    assert refusal(away) == (503, "unavailable") and away.headers["retry-after"] == "10"
    meddled.example.call("SITES", "fail", host, False)
    assert meddled.control("DELETE", f"/acme/hostnames/{host}").json()["state"] == "released"


def test_a_name_in_another_script_is_found_in_its_one_form(guestbooks):
    claimed = claim(guestbooks, "acme", "KÄSE.example")
    assert claimed["hostname"] == "xn--kse-qla.example"
    prove(guestbooks, claimed["hostname"], claimed["record"]["value"])
    assert verify(guestbooks, "acme", claimed["hostname"]).status_code == 200
    assert guestbooks.visit("XN--KSE-QLA.example").json()["tenant"] == "acme"


@pytest.mark.parametrize(
    "host",
    [
        "",
        "shop",
        "10.0.0.1",
        "0x7f.1",
        "[::1]",
        "*.example",
        "shop.example/x",
        "shop.example:80",
        "a@shop.example",
        "globex.apps.example.com",
        "apps.example.com",
        "a b.example",
        "x" * 64 + ".example",
        1,
    ],
)
def test_what_is_no_hostname_or_ours_cannot_be_claimed(platform, host):
    assert refusal(platform.control("POST", "/acme/hostnames", json={"hostname": host})) == (400, "invalid")


def test_a_claim_whose_answer_was_lost_is_answered_again_also_when_it_was_the_last_one(platform):
    platform.tenant("collector")
    names = [f"shop-{n}.example" for n in range(20)]  # with its own below our domain, one more than it may have
    claims = [platform.control("POST", "/collector/hostnames", json={"hostname": name}) for name in names]
    assert [claim.status_code for claim in claims[:19]] == [201] * 19
    assert refusal(claims[19]) == (409, "too_many")
    again = platform.control("POST", "/collector/hostnames", json={"hostname": names[18]})
    assert (again.status_code, again.json()) == (201, claims[18].json())


# The calls to Cloudflare, over HTTP to a stand-in


@pytest.fixture(scope="module")
def over_http(runtime: Runtime) -> Iterator[tuple[Platform, Api]]:
    """Control plane and deployer as they are deployed, with the API and DNS as an HTTP stand-in."""
    with cloudflare_api() as api:
        variables = {"CLOUDFLARE_API": api.url, "DNS_API": f"{api.url}/dns"}
        others = {"control": {"secrets": {"STAFF_TOKEN": STAFF}}}
        folders = (f"{SLUG}/deployer", f"{SLUG}/control")
        with runtime.example(
            *folders, variables=variables, secrets={"CLOUDFLARE_API_TOKEN": "api-token"}, others=others
        ) as example:
            example.migrate("DB", "control")
            platform = Platform(example)
            for name in ("acme-two", "acme"):
                platform.tenant(name)
            yield platform, api


def test_each_tenant_gets_a_database_of_its_own_and_a_repeated_creation_finds_it_again(over_http):
    platform, api = over_http
    names = ["tenants_acme-two", "tenants_acme"]
    assert [d["name"] for d in api.databases] == names
    # The answer to the first creation was lost, so D1 knows nothing of it.
    for table, column in (("hostnames", "tenant"), ("tenants", "id")):
        platform.example.d1("DB", f"DELETE FROM {table} WHERE {column} = 'acme'", worker="control")
    platform.tenant("acme")
    assert [d["name"] for d in api.databases] == names
    rows = platform.example.d1("DB", "SELECT id, database_id FROM tenants ORDER BY id", worker="control")
    assert [(row["id"], row["database_id"]) for row in rows] == [("acme", "db-2"), ("acme-two", "db-1")]
    api.database = (500, SECRET)
    failed = platform.control("POST", "", json={"id": "acme-three", "plan": "free"})
    api.database = (200, "")
    assert (
        refusal(failed) == (503, "unavailable") and failed.headers["retry-after"] == "10" and SECRET not in failed.text
    )
    platform.tenant("acme-three")


def test_the_deployer_sends_what_the_api_takes_and_survives_its_failures(over_http):
    platform, api = over_http
    live = platform.deploy("acme", GUESTBOOK)
    assert api.calls[-1] == f"PUT {SCRIPTS}acme"
    kind, metadata = api.parts["metadata"]
    assert kind == "application/json"
    assert json.loads(metadata) == {
        "main_module": "index.js",
        "compatibility_date": "2026-10-01",
        "tags": ["acme"],
        "bindings": [
            {"type": "plain_text", "name": "TENANT", "text": "acme"},
            {"type": "d1", "name": "DB", "id": "db-2"},
        ],
    }
    assert api.parts["index.js"] == ("application/javascript+module", GUESTBOOK.encode())

    api.upload = (400, "Unexpected token" + "😀" * 600)
    refused = platform.upload("acme", "export default {")
    assert refusal(refused) == (422, "code_refused") and "Unexpected token" in refused.text
    assert refused.json()["error"]["message"].count("😀") == 500 - len("10021: Unexpected token"), (
        "cut between characters"
    )
    api.upload = (500, SECRET)
    failed = platform.upload("acme", GUESTBOOK)
    assert refusal(failed) == (503, "unavailable") and SECRET not in failed.text
    assert platform.control("GET", "/acme").json()["live"] == live
    api.upload = (200, "")
    assert platform.control("POST", f"/acme/versions/{live + 2}/activate").json()["live"] is True
    assert "api-token" not in "\n".join(platform.example.logs())


def test_a_hostname_that_cloudflare_or_dns_fails_on_can_be_sent_again_and_a_refused_one_is_free(over_http):
    platform, api = over_http
    api.text = claim(platform, "acme", "shop.example")["record"]["value"]

    def state() -> str:
        return platform.example.d1("DB", "SELECT state FROM hostnames WHERE host = 'shop.example'", worker="control")[
            0
        ]["state"]

    def unavailable(response: httpx.Response) -> bool:
        return (
            refusal(response) == (503, "unavailable")
            and response.headers["retry-after"] == "10"
            and SECRET not in response.text
        )

    api.dns = 500
    assert unavailable(verify(platform, "acme", "shop.example"))
    api.dns = 200
    api.padding = 1_100_000
    assert unavailable(verify(platform, "acme", "shop.example")), "an answer without end is read to its end"
    api.padding = 0
    api.hostname = (503, SECRET)
    assert unavailable(verify(platform, "acme", "shop.example"))
    platform.control("PATCH", "/acme", json={"plan": "free"})  # puts the name on the map
    for status in (400, 409):
        api.hostname = (status, SECRET)
        refused = verify(platform, "acme", "shop.example")
        assert refusal(refused) == (422, "hostname_refused") and SECRET not in refused.text
        assert state() == "pending" and platform.example.call("SITES", "get", "shop.example", worker="control") is None
    api.hostname = (200, "")
    for _ in range(2):
        assert verify(platform, "acme", "shop.example").status_code == 200
    assert [h["hostname"] for h in api.hostnames] == ["shop.example"]
    api.hostname = (500, SECRET)
    assert unavailable(platform.control("DELETE", "/acme/hostnames/shop.example"))
    api.hostname = (200, "")
    assert platform.control("DELETE", "/acme/hostnames/shop.example").json()["state"] == "released"
    assert api.hostnames == []


@pytest.mark.parametrize("hostile", ["../dns_records/1", "..", "x?force=1", "", 7, None])
def test_an_id_in_an_answer_never_leads_a_call_to_another_address(over_http, hostile):
    platform, api = over_http
    platform.example.d1(
        "DB",
        "INSERT OR REPLACE INTO hostnames (host, tenant, proof, state) VALUES ('led.example', 'acme', '', 'active')",
        worker="control",
    )
    api.hostnames = [{"id": hostile, "hostname": "led.example"}]
    before = len(api.calls)
    answer = platform.control("DELETE", "/acme/hostnames/led.example")
    api.hostnames = []
    assert refusal(answer) == (503, "unavailable")
    assert not [call for call in api.calls[before:] if call.startswith("DELETE")]


def test_the_api_token_is_not_sent_in_clear(runtime):
    others = {"control": {"secrets": {"STAFF_TOKEN": STAFF}}}
    secrets = {"CLOUDFLARE_API_TOKEN": "api-token"}
    variables = {"CLOUDFLARE_API": "http://127.0.0.1:1@api.example.com"}
    folders = (f"{SLUG}/deployer", f"{SLUG}/control")
    with runtime.example(*folders, variables=variables, secrets=secrets, others=others) as example:
        example.migrate("DB", "control")
        answer = Platform(example).control("POST", "", json={"id": "acme", "plan": "free"})
        assert refusal(answer) == (503, "unavailable")
        assert any("CLOUDFLARE_API takes https://" in line for line in example.logs())


def test_a_database_with_an_id_of_another_shape_is_bound_to_nobody(over_http):
    platform, api = over_http
    api.databases.append({"uuid": {"$ne": 1}, "name": "tenants_odd-one"})
    answer = platform.control("POST", "", json={"id": "odd-one", "plan": "free"})
    api.databases.pop()
    assert refusal(answer) == (503, "unavailable")


# The configuration


@pytest.mark.parametrize(("worker", "name"), [("dispatch", "DISPATCHER"), ("control", "DEPLOYER")])
def test_the_local_configuration_differs_from_the_deployed_one_in_routes_and_a_single_binding(worker, name):
    folder = SNIPPETS / SLUG

    def without(path: str) -> dict:
        settings = tomllib.loads((folder / path).read_text())
        settings.pop("dispatch_namespaces", None)
        settings.pop("routes", None)  # wrangler dev would take one of them for the host of every request
        settings["services"] = [s for s in settings.get("services", []) if s["binding"] != name]
        settings["main"] = settings["main"].removeprefix(f"../{worker}/")
        for database in settings.get("d1_databases", []):
            database["migrations_dir"] = "migrations"
        return settings

    assert without(f"{worker}/wrangler.toml") == without(f"local-cloudflare/{worker}.toml")


def test_each_call_of_a_tenant_leaves_through_the_outbound_worker_when_it_is_deployed(guestbooks):
    dispatch, outbound = (
        tomllib.loads((SNIPPETS / SLUG / name / "wrangler.toml").read_text()) for name in ("dispatch", "outbound")
    )
    way_out = {"service": outbound["name"], "parameters": list(options_of(guestbooks, "acme")["outbound"])}
    assert way_out["parameters"] == ["policy"]
    assert dispatch["dispatch_namespaces"] == [{"binding": "DISPATCHER", "namespace": "tenants", "outbound": way_out}]


def test_only_the_deployer_knows_the_api_token():
    for path in (SNIPPETS / SLUG).rglob("*"):
        if (
            path.suffix in (".ts", ".toml")
            and not {"deployer", "node_modules", ".wrangler"} & set(path.parts)
            and not path.name.endswith(".d.ts")
        ):
            assert "CLOUDFLARE_API_TOKEN" not in path.read_text(), path
