"""The Python clients that readers copy, against the running gateway."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import httpx
import pytest

from runtime.workers import Example, Runtime
from tests.snippets.private_machine_api.support import FOLDER, KEY, client_module, gateway, sign
from tests.snippets.private_machine_api.tls import Authority
from tests.support.access_team import AUDIENCE, CLIENT_ID, Key, Team, access, serve
from tests.support.canned import ENDLESS, Canned, serving

SECRET = "cfast_" + "s" * 48
service_token, mtls = client_module("service_token"), client_module("mtls")


@pytest.fixture(scope="module")
def team() -> Iterator[Team]:
    with serve(Key("current")) as started:
        yield started


@pytest.fixture(scope="module")
def api(runtime: Runtime, team: Team) -> Iterator[Example]:
    with gateway(runtime, TEAM_DOMAIN=team.url, ACCESS_AUDIENCES=AUDIENCE) as example:
        yield example


@pytest.fixture
def shop(api: Example) -> Iterator[httpx.Client]:
    with sign.client(api.url, "shop-backend", KEY) as client:
        yield client


# HMAC


def test_every_request_of_a_client_is_signed_anew(shop):
    assert [shop.get("/v1/orders").status_code for _ in range(3)] == [200] * 3


@pytest.mark.parametrize(
    "params", [{"owner": "shop-backend"}, {"x": "it's"}, {"x": "a b+c&d=é/?%"}, {"x": ["1", "2"]}, {"x": ""}, {}]
)
def test_query_parameters_are_signed_as_they_are_sent(shop, params):
    assert shop.get("/v1/orders", params=params).status_code == 200


@pytest.mark.parametrize("path", ["/v1/x/../orders", "/v1/%6frders", "/v1\\orders", "/v1/./orders?"])
def test_a_sloppy_address_is_put_into_the_one_form_before_it_is_signed_and_sent(shop, path):
    response = shop.get(path)
    assert response.status_code == 200
    assert response.request.url.raw_path == b"/v1/orders"


def test_an_address_that_the_edge_would_change_is_never_sent(shop):
    with pytest.raises(ValueError, match=r"cannot|can be signed"):
        shop.get("/v1//orders")


@pytest.mark.parametrize(
    "content",
    [
        {"json": {"reference": "as-json", "amountCents": 1}},
        {"content": '{"reference":"as-text","amountCents":1}'},
        {"content": (part for part in (b'{"reference":"in-parts",', b'"amountCents":1}'))},
    ],
    ids=["json", "text", "parts"],
)
def test_a_body_is_signed_in_whatever_way_it_is_given(shop, content):
    assert shop.post("/v1/orders", **content).status_code == 201


def test_the_same_signer_serves_an_asynchronous_client(api):
    async def ask() -> int:
        async with sign.async_client(api.url, "shop-backend", KEY) as client:
            with pytest.raises(ValueError, match="not an address of this API"):
                await client.get("http://localhost:1/v1/orders")
            return (await client.post("/v1/orders", json={"reference": "asynchronous", "amountCents": 1})).status_code

    assert asyncio.run(ask()) == 201


def test_the_key_never_leaves_the_client(shop):
    request = shop.post("/v1/orders", json={"reference": "secret", "amountCents": 1}).request
    assert KEY not in repr(request.headers.raw) + str(request.url) + request.content.decode()


@pytest.mark.parametrize(
    ("key", "printed"), [(KEY, '200 {"orders":'), ("x" * 40, '401 {"error":')], ids=["right key", "wrong key"]
)
def test_the_command_line_prints_status_and_body(api, key, printed):
    done = subprocess.run(
        [sys.executable, FOLDER / "client" / "call.py", "GET", "/v1/orders"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"API_URL": api.url, "API_KEY_ID": "shop-backend", "API_KEY": key},
    )
    assert done.stdout.startswith(printed) and key not in done.stdout + done.stderr


# To the API, encrypted, and nowhere else


KINDS = ["signature", "service token", "certificate"]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], httpx.Client]:
    """Make a client of a kind for an address."""
    mine = Authority("clients", tmp_path_factory.mktemp("clients")).issue("warehouse-agent")
    made = {
        "signature": lambda url: sign.client(url, "shop-backend", KEY),
        "signature, asyncio": lambda url: sign.async_client(url, "shop-backend", KEY),
        "service token": lambda url: service_token.client(url, CLIENT_ID, SECRET),
        "certificate": lambda url: mtls.client(url, mine.certificate_file, mine.key_file),
    }
    return lambda kind, url: made[kind](url)


@pytest.mark.parametrize("kind", [*KINDS, "signature, asyncio"])
@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "HTTP://API.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://127.0.0.1@api.example.com",
        "http://192.0.2.1",
        "http://0.0.0.0",
        "http://[2001:db8::1]",
        "ftp://api.example.com",
        "api.example.com",
        "",
    ],
)
def test_no_client_is_made_for_an_address_that_would_show_its_proof(make, kind, url):
    with pytest.raises(ValueError, match="not encrypted: use https"):
        make(kind, url)


@pytest.mark.parametrize("kind", [*KINDS, "signature, asyncio"])
@pytest.mark.parametrize("url", ["http://u:PASSWORD@api.example.com/?signature=PASSWORD", "https://a:b"])
def test_what_is_wrong_with_an_address_is_said_without_what_it_may_hold(make, kind, url):
    with pytest.raises(ValueError, match=r"not encrypted|no address") as error:
        make(kind, url)
    assert "PASSWORD" not in str(error.value)


@pytest.mark.parametrize("more", ["\u00e9", "\n", " ", "\r\nHost: other"], ids=ascii)
def test_a_service_token_that_no_header_takes_is_refused_without_showing_it(more):
    with pytest.raises(ValueError, match="printable ASCII") as error:
        service_token.client("https://api.example.com", CLIENT_ID, SECRET + more)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_a_slow_answer_closed_says_what_to_do(make, kind):
    client = make(kind, "https://api.example.com")
    client.close()
    with pytest.raises(RuntimeError, match="closed, by you or by a slow answer: make a new client"):
        client.get("/v1/orders")


def test_an_asynchronous_client_gives_up_an_answer_as_a_whole(make, monkeypatch):
    monkeypatch.setitem(type(make("signature, asyncio", "https://a.example")).send.__globals__, "DEADLINE_S", 0)

    async def ask() -> None:
        async with make("signature, asyncio", "http://127.0.0.1:9") as client:
            await client.get("/v1/orders")

    with pytest.raises(Exception, match="no whole answer in 0 s"):
        asyncio.run(ask())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("follow", [False, True], ids=["left alone", "told to follow"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_takes_no_proof_to_another_host(make, kind, follow, status):
    """Whoever gets a signature that the gateway has not seen can use it first."""
    with (
        serving(Canned(200)) as (elsewhere, stolen),
        serving(Canned(status, {"Location": f"{elsewhere}/v1/orders"})) as (url, asked),
        make(kind, url) as client,
        pytest.raises(RuntimeError, match=f"POST /v1/orders: {status}"),
    ):
        client.post("/v1/orders", content=b"{}", follow_redirects=follow)
    assert (len(asked), stolen) == (1, [])


def get(client: httpx.Client | httpx.AsyncClient) -> httpx.Response:
    """Ask, in whichever way this kind of client does."""
    answer = client.request("GET", "/v1/orders")
    return answer if isinstance(client, httpx.Client) else asyncio.run(answer)


@pytest.mark.parametrize("kind", [*KINDS, "signature, asyncio"])
@pytest.mark.parametrize(("answer", "says"), ENDLESS, ids=["long", "no length", "packed twice", "a packed error"])
def test_no_client_unpacks_an_answer_or_reads_without_an_end(make, kind, answer, says):
    with serving(answer) as (url, asked), pytest.raises(RuntimeError, match=says):
        get(make(kind, url))
    assert asked[0].headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("kind", [*KINDS, "signature, asyncio"])
def test_no_proxy_of_the_environment_reads_what_stays_on_this_machine(make, kind, monkeypatch):
    monkeypatch.delenv("NO_PROXY", raising=False)
    with serving(Canned(404)) as (proxy, carried), serving(Canned(404)) as (url, asked):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("ALL_PROXY", proxy)
        assert get(make(kind, url)).status_code == 404
    assert (len(asked), carried) == (1, [])


# Service token


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "not strict"])
def test_a_service_token_gets_through_access_to_the_data(api, team, strict):
    with access(team, api.url, SECRET, strict=strict) as url, service_token.client(url, CLIENT_ID, SECRET) as client:
        assert client.get("/v1/reports/summary").json().keys() == {"orders", "amountCents", "averageCents"}


@pytest.mark.parametrize("strict", [True, False], ids=["401", "302 to a login page"])
def test_a_wrong_service_token_is_an_error_and_never_a_login_page(api, team, strict):
    with (
        access(team, api.url, SECRET, strict=strict) as url,
        service_token.client(url, CLIENT_ID, "wrong") as client,
        pytest.raises(service_token.Refused, match="401" if strict else "302"),
    ):
        client.get("/v1/orders")


def test_a_service_token_that_may_not_do_this_is_an_error_too(api, team):
    with (
        access(team, api.url, SECRET, strict=True) as url,
        service_token.client(url, CLIENT_ID, SECRET) as client,
        pytest.raises(service_token.Refused, match="403") as refused,
    ):
        client.get("/v1/elsewhere")
    assert SECRET not in str(refused.value)


def test_an_order_that_is_missing_is_an_answer_and_not_a_refusal(api, team):
    with access(team, api.url, SECRET, strict=True) as url, service_token.client(url, CLIENT_ID, SECRET) as client:
        assert client.get("/v1/orders/unknown").status_code == 404


def test_the_service_token_alone_does_nothing_where_access_does_not_stand(api):
    with service_token.client(api.url, CLIENT_ID, SECRET) as client, pytest.raises(service_token.Refused, match="401"):
        client.get("/v1/orders")


def test_the_service_token_is_never_sent_to_another_address(api, team):
    with access(team, api.url, SECRET, strict=True) as url, service_token.client(url, CLIENT_ID, SECRET) as client:
        for elsewhere in (api.url, url.replace("127.0.0.1", "localhost"), url.replace("http:", "https:")):
            with pytest.raises(ValueError, match="not an address of this API"):
                client.get(f"{elsewhere}/v1/orders")
        assert client.get(f"{url}/v1/orders").status_code == 200
