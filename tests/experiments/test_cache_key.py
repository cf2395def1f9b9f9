"""Mistake 7: a cache key without the person gives one person's page to another."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from runtime.workers import Example, Runtime
from tests.experiments.measure import EXPERIMENTS, Column, Row, check

SESSIONS = {"session-a": "Ana", "session-b": "Ben"}
ROUNDS = 5


@dataclass(frozen=True)
class Shown:
    """What two people were shown.

    Attributes:
        pages: ``(who asked, what the page said, Cache-Control)``, in order.
        rendered: how often the page was made.
    """

    pages: list[tuple[str, str, str]]
    rendered: int

    @property
    def foreign(self) -> int:
        return sum(name not in text for name, text, _ in self.pages)


def visit(example: Example, way: str) -> Shown:
    before = len(example.logs())
    pages = []
    for _ in range(ROUNDS):
        for session, name in SESSIONS.items():
            answer = example.http.get(way, headers={"Cookie": f"session={session}"}).raise_for_status()
            pages.append((name, answer.text, answer.headers["cache-control"]))
    return Shown(pages, len(example.logs()) - before)


@pytest.fixture(scope="module")
def shop(runtime: Runtime) -> Iterator[Example]:
    with runtime.example(EXPERIMENTS / "cache-key") as example:
        yield example


@pytest.fixture(scope="module")
def measured(shop: Example) -> dict[str, Shown]:
    return {way: visit(shop, f"/{way}") for way in ("by-path", "by-person", "not-stored")}


def test_ben_gets_the_page_of_ana_when_the_key_is_the_path(measured):
    asked_by, text, _ = measured["by-path"].pages[1]
    assert (asked_by, text) == ("Ben", "<h1>Orders of Ana</h1>")
    assert measured["by-path"].rendered == 1


@pytest.mark.parametrize("way", ["by-person", "not-stored"])
def test_everybody_gets_their_own_page_otherwise(measured, way):
    assert measured[way].foreign == 0


def test_no_cache_on_the_way_may_keep_a_personal_page(measured):
    for way in ("by-person", "not-stored"):
        assert all(header.startswith("private") for _, _, header in measured[way].pages)


def test_who_is_not_signed_in_gets_nothing_out_of_the_cache(measured, shop):
    for way in measured:
        refused = shop.http.get(f"/{way}")
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "unauthenticated")
        assert "Ana" not in refused.text


@pytest.mark.parametrize("before", ["\u00a0", "x", "session=session-a; "])
def test_a_planted_session_is_none(shop, before):
    given = f"theme=dark; {before}session=session-b".encode()
    assert shop.http.get("/not-stored", headers={"Cookie": given}).status_code == 401


@pytest.mark.parametrize("name", ["constructor", "toString", "__proto__"])
def test_what_every_object_has_is_nobodys_session(shop, name):
    assert shop.http.get("/not-stored", headers={"Cookie": f"session={name}"}).status_code == 401


def test_the_log_names_whose_page_was_made(shop):
    shop.http.get("/not-stored", headers={"Cookie": "session=session-b"})
    assert json.loads(shop.logs()[-1].partition(": ")[2]) == {"event": "rendered", "name": "Ben"}


def test_the_page_shows_what_is_measured(measured, pytestconfig):
    columns = [Column("Pages of somebody else", bars=True), Column("Pages made")]
    ways = (
        ("Stored by path", "wrong", "by-path"),
        ("Stored by path and person", "right", "by-person"),
        ("Not stored", "right", "not-stored"),
    )
    rows = [Row(label, side, (measured[way].foreign, measured[way].rendered)) for label, side, way in ways]
    what = f"Two people open their orders in turn, {ROUNDS} times each"
    check(pytestconfig, "cache-key", what, columns, rows)
