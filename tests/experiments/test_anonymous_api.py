"""Mistake 8: ask every address of a machine API without a proof, and count who answers with data."""

import tomllib
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from runtime.workers import Example, Runtime, configs
from tests.experiments.measure import EXPERIMENTS, Column, Row, check
from tests.snippets.private_machine_api.support import gateway

METHODS = ("GET", "POST", "PUT", "DELETE")
PATHS = (
    "/",
    "/healthz",
    "/v1/orders",
    "/v1/orders/1",
    "/v1/reports/summary",
    "/internal/expire",
    "/internal-a",
    "/.env",
)


@dataclass(frozen=True)
class Probe:
    """What a stranger found.

    Attributes:
        public: the addresses that the configuration opens.
        asked: how many requests went out.
        told: method, path and host of each that was answered with data.
    """

    public: list[str]
    asked: int
    told: list[tuple[str, str, str]]


def addresses(folders: list[Path]) -> tuple[list[str], list[str]]:
    """Return the host names that these configurations open, and those that they close."""
    opened, closed = [], []
    for path in folders:
        config = tomllib.loads(path.read_text())
        opened += [route["pattern"] for route in config.get("routes", [])]
        for setting, host in (("workers_dev", "{}.team.workers.dev"), ("preview_urls", "0a1b2c3d-{}.team.workers.dev")):
            (closed if config.get(setting, True) is False else opened).append(host.format(config["name"]))
    return opened, closed


def probe(example: Example, folders: list[Path]) -> Probe:
    opened, closed = addresses(folders)
    told, asked = [], 0
    for host, method, path in product(opened + closed, METHODS, PATHS):
        answer = example.http.request(method, path, headers={"Host": host})
        asked += 1
        if answer.status_code < 400 and answer.json() != {"ok": True}:
            told.append((method, path, host))
    return Probe(opened, asked, told)


@pytest.fixture(scope="module")
def measured(runtime: Runtime) -> dict[str, Probe]:
    with runtime.example(EXPERIMENTS / "anonymous-api") as naive:
        wrong = probe(naive, configs(EXPERIMENTS / "anonymous-api"))
    with gateway(runtime, migrated=False) as private:
        return {"naive": wrong, "private": probe(private, configs("private-machine-api"))}


def test_an_open_api_tells_and_does_at_each_of_its_addresses(measured):
    naive = measured["naive"]
    assert {host for _, _, host in naive.told} == set(naive.public) and len(naive.public) == 3
    assert {(method, path) for method, path, _ in naive.told} == {
        ("GET", "/v1/orders"),
        ("GET", "/v1/reports/summary"),
        ("POST", "/internal/expire"),
    }


def test_the_private_machine_api_tells_a_stranger_nothing_anywhere(measured):
    assert measured["private"].told == []
    assert measured["private"].asked > 300


def test_only_the_gateway_of_the_private_machine_api_has_addresses(measured):
    assert measured["private"].public == ["api.example.com", "api-mtls.example.com", "api-signed.example.com"]


def test_the_page_shows_what_is_measured(measured, pytestconfig):
    columns = [Column("Public addresses"), Column("Requests without a proof"), Column("Answered with data", bars=True)]
    ways = (("Hidden, but open", "wrong", "naive"), ("Private machine API", "right", "private"))
    rows = [
        Row(label, side, (len(p.public), p.asked, len(p.told))) for label, side, way in ways for p in [measured[way]]
    ]
    check(pytestconfig, "anonymous-api", "Every address, path and method, called without a proof", columns, rows)
