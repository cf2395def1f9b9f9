"""Mistake 5: who gets in at the origin's own address, past Cloudflare, depends on the certificate that it asks for."""

import platform
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.experiments.measure import Column, Row, check, module
from tests.snippets.private_machine_api.tls import Authority, Certificate

origin = module("open-origin", "origin.py")
OFFICE = {"CF-Connecting-IP": origin.OFFICE_ADDRESS}
PAGE, REFUSED = "gets in", "refused"


class _Server(ThreadingHTTPServer):
    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), origin.Origin)
        self._context = context

    def finish_request(self, request: object, client_address: object) -> None:
        with self._context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, *details: object) -> None:
        """Say nothing: a refused handshake is what this experiment is about."""


@contextmanager
def serving(context: ssl.SSLContext) -> Iterator[str]:
    server = _Server(context)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class World:
    """The certificates: yours, your zone's at the edge, and those that the edge holds for all customers."""

    def __init__(self, folder: Path) -> None:
        self.own, self.shared = Authority("own", folder), Authority("shared", folder)
        self.server = self.own.issue("origin")
        self.callers: dict[str, Certificate | None] = {
            "your zone": self.own.issue("zone"),
            "a stranger": None,
            "another customer": self.shared.issue("customer"),
        }

    def doors(self) -> dict[str, ssl.SSLContext]:
        server = self.server.certificate_file, self.server.key_file
        return {
            "open": origin.open_door(*server),
            "shared": origin.locked_door(*server, self.shared.root.certificate_file),
            "own": origin.locked_door(*server, self.own.root.certificate_file),
        }

    def ask(self, url: str, caller: str, headers: dict[str, str] | None = None) -> str:
        context = ssl.create_default_context(cafile=self.own.root.certificate_file)
        # The edge shows the certificate of the level that is switched on: the shared one, or yours.
        if certificate := self.callers[caller]:
            context.load_cert_chain(certificate.certificate_file, certificate.key_file)
        try:
            answer = httpx.get(url, headers=headers, verify=context)
        except httpx.TransportError:
            return REFUSED
        return PAGE if answer.status_code == 200 else REFUSED


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    world = World(tmp_path_factory.mktemp("certificates"))
    seen: dict[str, dict[str, str]] = {}
    for door, context in world.doors().items():
        with serving(context) as url:
            seen[door] = {caller: world.ask(url, caller) for caller in world.callers}
            if door == "shared":
                # At the global level your zone comes with the certificate that all customers share.
                seen[door]["your zone"] = world.ask(url, "another customer")
            forged = {
                caller: world.ask(f"{url}/admin", caller, OFFICE) for caller in ("a stranger", "another customer")
            }
            seen[door]["admin"] = PAGE if PAGE in forged.values() else REFUSED
            assert world.ask(f"{url}/admin", "your zone", {"CF-Connecting-IP": "203.0.113.9"}) == REFUSED
    return seen


def test_an_open_origin_answers_everybody_who_knows_its_address(measured):
    assert set(measured["open"].values()) == {PAGE}


def test_a_forged_visitor_address_opens_the_admin_page_where_others_get_in(measured):
    assert {door: seen["admin"] for door, seen in measured.items()} == {"open": PAGE, "shared": PAGE, "own": REFUSED}


def test_the_certificate_of_all_customers_stops_strangers_and_no_other_customer(measured):
    assert measured["shared"]["a stranger"] == REFUSED
    assert measured["shared"]["another customer"] == PAGE


def test_with_your_own_certificate_only_your_zone_gets_in(measured):
    assert measured["own"] == {"your zone": PAGE, "a stranger": REFUSED, "another customer": REFUSED, "admin": REFUSED}


def test_a_certificate_that_somebody_signed_themselves_is_refused(tmp_path):
    world = World(tmp_path)
    world.callers["forger"] = Authority("forged", tmp_path).issue("zone")
    with serving(world.doors()["own"]) as url:
        assert world.ask(url, "forger") == REFUSED
        assert world.ask(url, "your zone") == PAGE


def test_the_page_shows_what_is_measured(measured, pytestconfig):
    columns = [
        Column("Your zone"),
        Column("A stranger"),
        Column("Another customer"),
        Column("Admin page, forged address"),
    ]
    doors = (
        ("No client certificate asked", "wrong", "open"),
        ("The certificate that all customers share", "half", "shared"),
        ("Your own certificate", "right", "own"),
    )
    rows = [Row(label, side, tuple(measured[door].values())) for label, side, door in doors]
    check(
        pytestconfig,
        "open-origin",
        "Who gets in at the origin's own address",
        columns,
        rows,
        f"Python {platform.python_version()}",
    )
