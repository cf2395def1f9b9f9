"""The failover Worker in front of three real sites that are killed, slowed down and made to flap; figures for the page."""

import datetime
import json
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from runtime import toolchain
from runtime.sites import KEY, origins, sites
from runtime.workers import Example, Runtime
from tests.snippets.hybrid_origins.support import Site
from tests.support.patience import until

SLUG = "hybrid-origins"
PAGE = toolchain.ROOT / "docs" / "patterns" / f"{SLUG}.md"
MEASURED = toolchain.ROOT / "docs" / "data" / "measurements" / f"{SLUG}.json"
COMMAND = "uv run pytest tests/snippets/test_hybrid_origins.py --update"
# A site that works needs some milliseconds, also on a busy machine.
SETTINGS = {"TRY_MS": "3000", "DEADLINE_MS": "6000", "OPEN_MS": "200"}
# With --update, on a quiet machine: what the page names.
FOR_THE_PAGE = {"TRY_MS": "800", "DEADLINE_MS": "2400", "OPEN_MS": "200"}
ENDLESS = {**SETTINGS, "TRY_MS": "600000", "DEADLINE_MS": "600000"}
PAUSE_S, HEDGE_MS, ENOUGH = 0.02, 150, 150


@dataclass(frozen=True)
class Shop:
    """The Worker and the sites behind it."""

    example: Example
    aws: Site
    gcp: Site
    dc: Site

    @property
    def sites(self) -> tuple[Site, ...]:
        return self.aws, self.gcp, self.dc

    def get(self, path: str = "/", **headers: str) -> httpx.Response:
        return self.example.http.get(path, headers=headers)

    def order(self, body: str, method: str = "POST") -> httpx.Response:
        return self.example.http.request(method, "/orders", content=body)

    @contextmanager
    def another(self, runtime: Runtime, settings: dict[str, str]) -> Iterator[Example]:
        """Start one more Worker before the same sites."""
        variables = {**settings, "ORIGINS": origins(self.sites)}
        with runtime.example(SLUG, secrets={"ORIGIN_KEY": KEY}, variables=variables) as example:
            yield example

    def until_served_by(self, *names: str) -> float:
        """Return after how many seconds a read is answered by one of these sites."""
        begun = time.monotonic()
        until(lambda: self.get().headers.get("x-origin"), lambda origin: origin in names, f"an answer of {names}")
        return time.monotonic() - begun

    def trusted(self) -> bool:
        """Whether no site was dead when it was asked last."""
        self.get()
        asked = re.findall(r"origin: '(\w+)',\s+alive: (\w+)", "\n".join(self.example.logs()))
        return "false" not in dict(asked).values()


@pytest.fixture(scope="module")
def three() -> Iterator[tuple[Site, ...]]:
    with sites(Site) as started:
        yield started


@pytest.fixture(scope="module")
def started(runtime: Runtime, three: tuple[Site, ...], request: pytest.FixtureRequest) -> Iterator[Shop]:
    settings = FOR_THE_PAGE if request.config.getoption("--update") else SETTINGS
    variables = {**settings, "ORIGINS": origins(three)}
    with runtime.example(SLUG, secrets={"ORIGIN_KEY": KEY}, variables=variables) as example:
        yield Shop(example, *three)


@pytest.fixture
def shop(started: Shop) -> Shop:
    heal(started)
    return started


def heal(shop: Shop) -> None:
    """Bring all sites back and wait until the Worker trusts the first one without reserve."""
    for site in shop.sites:
        site.start()
    for site in shop.sites:
        site.wait()
        site.become("ok")
    shop.until_served_by("aws")
    until(shop.trusted, what="all sites are known to be well")
    for _ in range(40):
        shop.get()
    assert shop.get().headers["x-origin"] == "aws"
    for site in shop.sites:
        site.become("ok")


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Return status and code of an error, after checking the shape that all errors share."""
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-request-id"]
    body = response.json()
    assert body.keys() == {"error"} and body["error"].keys() == {"code", "message"}
    assert body["error"]["message"].endswith(".") and "127.0.0.1" not in response.text
    return response.status_code, body["error"]["code"]


def received(shop: Shop) -> Counter[str]:
    return Counter(body for site in shop.sites if site.process for body in site.seen()["bodies"])


# Faults, with the figures of the page


@dataclass(frozen=True)
class Outcome:
    method: str
    status: int
    origin: str
    begun: float
    ended: float


def load(shop: Shop, fault: Callable[[], None], seconds: float) -> tuple[list[Outcome], float, float]:
    """Four visitors read all the time, with a short pause, and order at every tenth request, while the fault happens."""
    stop, found = threading.Event(), []

    def visitor(number: int) -> None:
        with httpx.Client(base_url=shop.example.url, verify=False) as http:
            count = 0
            while not stop.is_set():
                count += 1
                method = "GET" if count % 10 else "POST"
                begun = time.monotonic()
                path, body = ("/", None) if method == "GET" else ("/orders", f"{number}-{count}")
                answer = http.request(method, path, content=body)
                origin = answer.headers.get("x-origin", "")
                found.append(Outcome(method, answer.status_code, origin, begun, time.monotonic()))
                stop.wait(PAUSE_S)

    with ThreadPoolExecutor(4) as pool:
        visitors = [pool.submit(visitor, number) for number in range(4)]
        until(lambda: len(found) > 20)
        begun = time.monotonic()
        fault()
        there = time.monotonic()
        time.sleep(seconds)
        until(lambda: sum(one.begun > there for one in list(found)) > ENOUGH)
        stop.set()
        for one in visitors:
            one.result()
    return found, begun, there


FAULTS = ("killed", "slow", "flapping", "all down")


@dataclass(frozen=True)
class Suffered:
    """What a fault did.

    Attributes:
        row: the figures of the page.
        after: the requests that were sent when the fault was there.
        tried: how many requests had reached the first site meanwhile, where it lives.
    """

    row: dict[str, Any]
    after: list[Outcome]
    tried: int


def suffer(shop: Shop, fault: str, seconds: float) -> Suffered:
    """Inject a fault under load, end it, and return what visitors lost."""

    def happen() -> None:
        if fault in ("slow", "flapping"):
            shop.aws.become(fault)
        for site in {"killed": (shop.aws,), "all down": shop.sites}.get(fault, ()):
            site.kill()

    found, begun, there = load(shop, happen, seconds)
    during = [one for one in found if one.ended >= begun]
    elsewhere = [one.ended - begun for one in during if one.status < 400 and one.origin != "aws"]
    assert not [body for body, times in received(shop).items() if times > 1], "an order arrived twice"
    tried = len(shop.aws.seen()["arrivals"]) if shop.aws.process else 0
    for site in shop.sites:
        site.start()
    for site in shop.sites:
        site.wait()
    shop.aws.become("ok")
    back = shop.until_served_by("aws")
    row: dict[str, Any] = {"fault": fault, "elsewhere_ms": round(1000 * min(elsewhere)) if elsewhere else None}
    for method in ("GET", "POST"):
        sent = [one for one in during if one.method == method]
        row[method] = {"sent": len(sent), "lost": sum(one.status >= 400 for one in sent)}
    row["slowest_ms"] = round(1000 * max(one.ended - one.begun for one in during if one.method == "GET"))
    row["back_ms"] = round(1000 * back)
    return Suffered(row, [one for one in found if one.begun > there], tried)


def table(data: dict) -> str:
    rows = []
    for row in data["faults"]:
        elsewhere = "never" if row["elsewhere_ms"] is None else f"{row['elsewhere_ms']:,}"
        lost = [f"{row[m]['lost']:,} of {row[m]['sent']:,}" for m in ("GET", "POST")]
        rows.append(
            f"| {row['fault']} | {elsewhere} | {lost[0]} | {lost[1]} | {row['slowest_ms']:,} | {row['back_ms']:,} |"
        )
    return "\n".join(
        [
            "| First site | Another answers after, ms | Reads lost | Orders lost | Slowest read, ms | Back after, ms |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            f"Measured on {data['date']}: {data['cores']} cores, workerd {data['workerd']}, three sites and four visitors on the same machine.",
        ]
    )


@pytest.fixture(scope="module")
def figures(started: Shop, request: pytest.FixtureRequest) -> dict[str, Suffered]:
    found = {}
    for fault in FAULTS:
        heal(started)
        found[fault] = suffer(started, fault, 4 if request.config.getoption("--update") else 0)
    return found


def test_a_killed_site_loses_no_read_and_few_orders_and_none_arrives_twice(figures):
    row = figures["killed"].row
    assert row["GET"]["lost"] == 0 and row["GET"]["sent"] > 20
    assert row["POST"]["lost"] <= 8, (
        "four visitors, each with an order on the way, and one more before the health is known"
    )
    assert {one.origin for one in figures["killed"].after if one.status < 400} == {"gcp"}


def test_a_slow_site_has_its_try_and_another_one_answers_all_reads(figures):
    slow = figures["slow"]
    assert slow.row["GET"]["lost"] == 0 and slow.tried > 0
    assert {one.origin for one in slow.after if one.method == "GET"} == {"gcp"}


def test_a_flapping_site_loses_no_read(figures):
    assert figures["flapping"].row["GET"]["lost"] == 0


def test_a_dead_world_is_refused_and_comes_back(figures):
    assert {one.status for one in figures["all down"].after} <= {502, 503}


def test_the_page_shows_the_figures(figures, request):
    page = PAGE.read_text(encoding="utf-8")
    if request.config.getoption("--update"):
        version = json.loads((toolchain.NODE_MODULES / "workerd" / "package.json").read_text())["version"]
        data = {
            "date": str(datetime.date.today()),
            "cores": os.cpu_count(),
            "workerd": version,
            "faults": [suffered.row for suffered in figures.values()],
        }
        MEASURED.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
        old = re.search(r"^\| First site \| Another .*?^Measured on [^\n]*", page, re.M | re.S)
        PAGE.write_text(page.replace(old[0], table(data)), encoding="utf-8")
        return
    data = json.loads(MEASURED.read_text(encoding="utf-8"))
    assert table(data) in page, f"run `{COMMAND}`"
    known = {row["fault"]: row for row in data["faults"]}
    assert list(known) == list(figures)
    for fault in ("killed", "slow", "flapping"):
        assert figures[fault].row["GET"]["lost"] == known[fault]["GET"]["lost"] == 0
    assert max(known, key=lambda fault: known[fault]["slowest_ms"]) == "slow", "what the page says of a try"


# What is sent twice, and what never


def test_a_read_names_the_site_that_answered_it(shop):
    answer = shop.get("/shoes?size=9")
    assert (answer.status_code, answer.headers["x-origin"]) == (200, "aws")
    assert answer.json() == {"site": "aws", "path": "/shoes"}


def test_a_read_with_a_body_is_a_read(shop):
    answer = shop.example.http.request("GET", "/shoes", content=b"{}")
    assert (answer.status_code, answer.headers["x-origin"]) == (200, "aws")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_an_order_that_a_site_refused_is_not_sent_to_another(shop, method):
    shop.aws.become("dead")
    answer = shop.order(f"once-{method}", method)
    assert (answer.status_code, answer.text, answer.headers["x-origin"]) == (503, "down", "aws")
    assert received(shop)[f"once-{method}"] == 1


def test_an_order_on_the_way_to_a_killed_site_fails_once_and_the_next_goes_elsewhere(shop):
    shop.aws.kill()
    answer = shop.order("lost")
    assert refusal(answer) == (502, "origin_failed") and int(answer.headers["retry-after"]) >= 1
    assert received(shop)["lost"] == 0
    shop.until_served_by("gcp")
    answer = until(lambda: shop.order("kept"), lambda order: order.status_code == 201)
    assert answer.headers["x-origin"] == "gcp" and received(shop)["kept"] == 1


def test_an_order_to_a_slow_site_ends_at_the_deadline_and_stays_single(shop):
    shop.aws.become("slow")
    assert refusal(shop.order("slow")) == (504, "origin_too_slow")
    assert received(shop)["slow"] == 1


def test_a_small_put_is_repeated_with_its_body_and_a_large_one_is_not(shop):
    shop.aws.become("dead")
    small = shop.order("small" + "x" * 1000, "PUT")
    assert small.json() == {"site": "gcp", "stored": 1005}
    heal(shop)
    shop.aws.become("dead")
    large = shop.order("large" + "x" * 70_000, "PUT")
    assert (large.status_code, large.headers["x-origin"]) == (503, "aws")
    assert sum(body.startswith("large") for body in received(shop).elements()) == 1


def test_when_all_sites_say_503_their_own_words_reach_the_reader(shop):
    for site in shop.sites:
        site.become("dead")
    answer = shop.get()
    assert (answer.status_code, answer.text) == (503, "down")


def test_when_all_circuits_are_open_nothing_is_sent_and_the_answer_says_when_to_come_back(shop):
    for site in shop.sites:
        site.become("dead")
    answer = until(shop.get, lambda found: found.text != "down")
    assert refusal(answer) == (503, "no_origin") and int(answer.headers["retry-after"]) >= 1
    shop.order("never")
    assert received(shop)["never"] == 0


# Recovery, and who may shut a site


def test_a_site_that_comes_back_is_not_trampled(shop):
    shop.aws.become("dead")
    shop.until_served_by("gcp")
    until(lambda: shop.order("probe").headers["x-origin"], lambda origin: origin != "aws")
    shop.aws.become("busy")

    def visitor(_: int) -> None:
        with httpx.Client(base_url=shop.example.url, verify=False) as http:
            while not enough.is_set():
                http.get("/")

    enough = threading.Event()
    with ThreadPoolExecutor(12) as pool:
        visitors = [pool.submit(visitor, number) for number in range(12)]
        until(lambda: len(shop.aws.seen()["arrivals"]) >= 60)
        enough.set()
        for one in visitors:
            one.result()
    seen = shop.aws.seen()
    assert len(seen["arrivals"]) >= 60
    assert seen["arrivals"][0] == [1, 0]
    for in_flight, completed in seen["arrivals"][:30]:
        assert in_flight <= completed + 1, "each good answer lets in one request more"


@pytest.mark.parametrize("path", ["/broken", "/slow"])
def test_nobody_shuts_a_healthy_site_with_a_page_that_fails(shop, path):
    for _ in range(2):
        shop.get(path)
    assert shop.get().headers["x-origin"] == "aws"


def test_a_path_with_two_slashes_stays_on_the_site(shop):
    answer = shop.get("//elsewhere.example/secret")
    assert answer.headers["x-origin"] == "aws"


def test_a_site_answers_only_the_worker_and_anyone_about_its_health(shop):
    assert httpx.get(f"{shop.aws.url}/").status_code == 403
    assert httpx.get(f"{shop.aws.url}/", headers={"X-Origin-Key": "guessed"}).status_code == 403
    assert httpx.get(f"{shop.aws.url}/healthz").json() == {"status": "ok"}
    assert shop.get(**{"X-Origin-Key": "forged"}).status_code == 200


CLAIMS = (
    "Forwarded X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-Forwarded-Prefix X-Forwarded-Port X-Real-IP "
    "True-Client-IP X-Client-IP X-Original-URL X-Rewrite-URL X-HTTP-Method-Override X-HTTP-Method X-Method-Override X-Anything"
).split()


@pytest.mark.parametrize("first", ["ok", "dead"])
def test_what_a_visitor_says_about_its_way_here_reaches_no_site_beside_the_key(shop, first):
    """A site believes what comes with the key. A read that is repeated with an override would be an order at the second."""
    shop.aws.become(first)
    own = {
        "Accept-Language": "fr",
        "Authorization": "Bearer x",
        "Cookie": "a=b",
        "If-None-Match": '"1"',
        "Range": "bytes=0-9",
    }
    at_the_edge = {"CF-Connecting-IP": "203.0.113.50"}
    answer = shop.get("/shoes", **dict.fromkeys(CLAIMS, "forged"), **own, **at_the_edge)
    site = {"aws": shop.aws, "gcp": shop.gcp}[answer.headers["x-origin"]]
    assert (site is shop.gcp) == (first == "dead")
    seen = dict(site.seen()["headers"])
    assert "forged" not in seen.values()
    assert {name.lower(): value for name, value in own.items()}.items() <= seen.items()
    assert (seen["x-forwarded-for"], seen["x-real-ip"]) == ("203.0.113.50", "203.0.113.50")
    assert (seen["x-forwarded-proto"], seen["x-forwarded-host"]) == ("http", shop.example.http.base_url.netloc.decode())
    assert seen["x-origin-key"] == KEY


def test_an_order_keeps_its_type_and_its_length(shop):
    headers = {"Content-Type": "text/csv", "Idempotency-Key": "k"}
    assert shop.example.http.post("/orders", content="1;2;3", headers=headers).status_code == 201
    seen = dict(shop.aws.seen()["headers"])
    assert (seen["content-type"], seen["idempotency-key"], seen["content-length"]) == ("text/csv", "k", "5")


def test_websockets_are_refused_in_words(shop):
    assert refusal(shop.get(Upgrade="websocket", Connection="Upgrade")) == (501, "no_websockets")


# Settings


@contextmanager
def waiting_at(site: Site, ask: Callable[[], httpx.Response]) -> Iterator[Future[httpx.Response]]:
    """Ask while a site is slow, give a hedge far more time than it needs, and let the site answer when the block ends."""
    site.become("slow")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask)
        try:
            until(lambda: site.seen()["arrivals"])
            time.sleep(5 * HEDGE_MS / 1000)
            yield answer
        finally:
            site.become("ok")


def test_without_hedging_a_slow_site_has_its_whole_try(runtime, shop):
    with shop.another(runtime, ENDLESS) as api:
        with waiting_at(shop.aws, lambda: api.http.get("/")) as answer:
            assert shop.gcp.seen()["arrivals"] == shop.dc.seen()["arrivals"] == []
        assert answer.result().headers["x-origin"] == "aws"


def test_hedging_asks_a_second_site_for_reads_only(runtime, shop):
    with shop.another(runtime, {**ENDLESS, "HEDGE_MS": str(HEDGE_MS)}) as api:
        with waiting_at(shop.aws, lambda: api.http.get("/")) as answer:
            assert answer.result().headers["x-origin"] == "gcp", "while the first site still has its try"
        for method, body in (("POST", "single"), ("DELETE", None)):
            heal(shop)
            with waiting_at(shop.aws, lambda m=method, b=body: api.http.request(m, "/orders", content=b)) as answer:
                assert len(shop.aws.seen()["arrivals"]) == 1
                assert shop.gcp.seen()["arrivals"] == shop.dc.seen()["arrivals"] == []
            assert answer.result().headers["x-origin"] == "aws"


@pytest.mark.parametrize(
    "wrong",
    [
        {"ORIGINS": ""},
        {"ORIGINS": "aws=ftp://localhost"},
        {"ORIGINS": "aws=http://aws.example.com"},
        {"ORIGINS": "aws=https://a:b@aws.example.com"},
        {"ORIGINS": "aws=https://aws.example.com?x"},
        {"TRY_MS": "soon"},
    ],
)
def test_wrong_settings_serve_nobody_and_leak_nothing(runtime, wrong):
    with runtime.example(SLUG, secrets={"ORIGIN_KEY": KEY}, variables=wrong) as example:
        assert refusal(example.http.get("/")) == (500, "internal_error")
