"""Mistake 14: a program follows the redirect to a sign-in page and reports success."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest

from runtime.workers import Runtime
from tests.experiments.measure import EXPERIMENTS, Column, Row, check, module

client = module("login-redirect", "client.py")
BACKUPS = 10
EXPIRED = {"CF-Access-Client-Id": "backup.access", "CF-Access-Client-Secret": "the-expired-one"}
VALID = EXPIRED | {"CF-Access-Client-Secret": "the-valid-one"}


@dataclass(frozen=True)
class Night:
    """One night of backups: how many the program reported as done, and how many arrived."""

    reported: int
    arrived: int


def night(http: httpx.Client, send: Callable[[httpx.Client, bytes], bool], headers: dict[str, str]) -> Night:
    http.headers.update(headers)
    before = http.get("/received").json()["received"]
    reported = sum(send(http, f"backup {n}".encode()) for n in range(BACKUPS))
    return Night(reported, http.get("/received").json()["received"] - before)


@pytest.fixture(scope="module")
def measured(runtime: Runtime) -> dict[str, Night]:
    seen = {}
    for strict in ("no", "yes"):
        with runtime.example(EXPERIMENTS / "login-redirect", variables={"STRICT": strict}) as example:
            for name in ("hopeful", "careful"):
                seen[f"{name} {strict}"] = night(example.http, getattr(client, name), EXPIRED)
                assert night(example.http, getattr(client, name), VALID) == Night(BACKUPS, BACKUPS)
    return seen


def test_a_program_that_follows_redirects_reports_backups_that_nobody_has(measured):
    assert measured["hopeful no"] == Night(BACKUPS, 0)


@pytest.mark.parametrize("case", ["careful no", "hopeful yes", "careful yes"])
def test_a_careful_program_or_a_strict_setting_reports_the_failure(measured, case):
    assert measured[case] == Night(0, 0)


def test_the_page_shows_what_is_measured(measured, pytestconfig):
    columns = [Column("Arrived"), Column("Reported as done", bars=True)]
    ways = (
        ("Follows the redirect", "wrong", "hopeful no"),
        ("Takes 201 and the right body only", "right", "careful no"),
        ("Strict setting, any program", "right", "hopeful yes"),
    )
    rows = [Row(label, side, (measured[case].arrived, measured[case].reported)) for label, side, case in ways]
    check(pytestconfig, "login-redirect", f"{BACKUPS} backups with an expired token", columns, rows)
