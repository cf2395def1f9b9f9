"""The health endpoint, the lock over real TLS, and the Terraform of the load balancer."""

import asyncio
import ssl
import sys

import httpx
import pytest
from starlette.datastructures import URL
from starlette.requests import HTTPConnection

from runtime import toolchain
from runtime.sites import KEY, Site
from tests.snippets.private_machine_api.tls import Authority
from tools.terraform import __main__ as terraform

FOLDER = toolchain.ROOT / "snippets" / "hybrid-origins"


@pytest.fixture(scope="module")
def origin() -> object:
    sys.path.insert(0, str(FOLDER / "origin"))
    try:
        import app
        import health

        yield app, health
    finally:
        sys.path.remove(str(FOLDER / "origin"))
        for name in ("app", "health"):
            sys.modules.pop(name, None)


async def fine() -> None:
    pass


async def broken() -> None:
    raise ConnectionError("password=secret at db.internal")


async def hangs() -> None:
    await asyncio.sleep(60)


@pytest.mark.parametrize(
    ("database", "search", "expected"),
    [
        (fine, fine, (200, "ok")),
        (fine, broken, (200, "degraded")),
        (broken, fine, (503, "dead")),
        (hangs, fine, (503, "dead")),
        (broken, broken, (503, "dead")),
    ],
)
def test_dead_gets_no_traffic_and_degraded_keeps_it(origin, database, search, expected):
    app, health = origin
    checks = [health.Check("database", database, essential=True), health.Check("search", search, essential=False)]

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app.application("aws", KEY, checks))
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as http:
            return await http.get("/healthz")

    answer = asyncio.run(ask())
    assert (answer.status_code, answer.json()["status"]) == expected
    assert answer.json().keys() == {"status"} and answer.headers["cache-control"] == "no-store"


def test_a_hundred_probes_ask_the_database_once(origin):
    _, health = origin
    asked = []

    async def count() -> None:
        asked.append(1)
        await asyncio.sleep(0.01)

    async def probes() -> list[str]:
        one = health.Health([health.Check("database", count, essential=True)])
        return await asyncio.gather(*(one.status() for _ in range(100)))

    assert set(asyncio.run(probes())) == {"ok"} and len(asked) == 1


@pytest.mark.parametrize("key", ["", "k" * 31])
def test_a_site_whose_key_can_be_guessed_does_not_start(origin, key):
    app, _ = origin
    with pytest.raises(SystemExit, match="ORIGIN_KEY"):
        app.application("aws", key, [])


# The lock


@pytest.mark.parametrize("host", ["x/healthz?", "x/healthz#", "x/healthz?a=", "www.example.com"])
def test_no_host_header_opens_the_lock_of_a_site_without_its_key(origin, monkeypatch, host):
    """Also where the server builds the URL from it unchecked, as Starlette did before 1.0.1 (CVE-2026-48710)."""
    app, _ = origin
    rebuilt = property(lambda self: URL(f"http://{self.headers['host']}{self.scope['path']}"))
    monkeypatch.setattr(HTTPConnection, "url", rebuilt)

    async def order() -> httpx.Response:
        transport = httpx.ASGITransport(app.application("aws", KEY, []))
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as http:
            return await http.post("/orders", headers={"Host": host}, content="7")

    assert asyncio.run(order()).status_code == 403


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    zone, other = Authority("zone", folder), Authority("another-customer", folder)
    site = zone.issue("127.0.0.1")
    for source, name in (
        (site.certificate_file, "site.pem"),
        (site.key_file, "site.key"),
        (zone.root.certificate_file, "zone-ca.pem"),
    ):
        (folder / name).write_bytes(source.read_bytes())
    running = Site("aws", folder)
    running.start()
    try:
        running.wait()
        yield running, folder, zone, other
    finally:
        running.kill()


def probe(locked, client=None) -> httpx.Response:
    """One probe over TLS, with the client certificate that the edge would show."""
    running, folder, _, _ = locked
    context = ssl.create_default_context(cafile=str(folder / "zone-ca.pem"))
    context.check_hostname = False
    if client:
        context.load_cert_chain(client.certificate_file, client.key_file)
    with httpx.Client(verify=context) as http:
        return http.get(f"https://127.0.0.1:{running.port}/healthz", headers={"Host": "www.example.com"})


def test_a_monitor_with_the_probe_zone_shows_the_certificate_and_sees_the_site_healthy(locked):
    answer = probe(locked, locked[2].issue("zone-client"))
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_a_monitor_without_the_probe_zone_fails_in_the_handshake_and_turns_a_healthy_site_red(locked):
    with pytest.raises(httpx.TransportError, match=r"(?i)certificate.required|alert|closed|reset|disconnected"):
        probe(locked)


def test_the_certificate_of_another_customer_does_not_open_the_lock(locked):
    with pytest.raises(httpx.TransportError):
        probe(locked, locked[3].issue("foreign-client"))


# Terraform


def resources(kind: str, name: str) -> list[terraform.Block]:
    path = FOLDER / "terraform" / name
    return [b for b in terraform.blocks(path.read_text(), name) if b.type == "resource" and kind in b.labels[0]]


def written(block: terraform.Block) -> str:
    """Return the lines of a block, with single spaces."""
    lines = (FOLDER / "terraform" / block.file).read_text().splitlines()[block.line - 1 :]
    return "\n".join(" ".join(line.split()) for line in lines[: lines.index("}") + 1])


def test_every_monitor_has_the_probe_zone_a_host_and_no_redirect():
    monitors = resources("cloudflare_load_balancer_monitor", "pools.tf")
    assert monitors
    for monitor in map(written, monitors):
        for needed in (
            "probe_zone = var.zone",
            "Host = [var.hostname]",
            "follow_redirects = false",
            'path = "/healthz"',
        ):
            assert needed in monitor


def test_every_pool_has_a_monitor_the_fallback_is_no_default_pool_and_a_repeat_may_leave_its_pool():
    (pool,) = map(written, resources("cloudflare_load_balancer_pool", "pools.tf"))
    assert "monitor = cloudflare_load_balancer_monitor.health.id" in pool
    (balancer,) = map(written, resources("cloudflare_load_balancer", "balancer.tf"))
    assert 'in ["aws", "gcp"]' in balancer and 'fallback_pool = cloudflare_load_balancer_pool.site["dc"].id' in balancer
    assert "failover_across_pools = true" in balancer and "proxied = true" in balancer
