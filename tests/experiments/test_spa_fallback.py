"""Mistake 10: the fallback of a single-page app answers what the Worker should answer."""

from dataclasses import dataclass

import httpx
import pytest

from runtime.workers import Runtime
from tests.experiments.measure import EXPERIMENTS, Column, Row, check

# What a browser sends when a person follows a link or is sent back by a sign-in page.
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html"}


@dataclass(frozen=True)
class Site:
    """What one configuration answers: at the end of a sign-in, to a link into the API, and to a page of the app."""

    callback: httpx.Response
    api: httpx.Response
    typo: httpx.Response
    page: httpx.Response


@pytest.fixture(scope="module")
def measured(runtime: Runtime) -> dict[str, Site]:
    seen = {}
    for way in ("swallowed", "worker-first"):
        with runtime.example(EXPERIMENTS / "spa-fallback" / way) as example:
            paths = ("/auth/callback?code=abc", "/api/cart", "/api/crat", "/orders/7")
            seen[way] = Site(*(example.http.get(path, headers=NAVIGATION) for path in paths))
    return seen


def test_the_fallback_swallows_the_end_of_the_sign_in_and_calls_it_a_success(measured):
    answer = measured["swallowed"].callback
    assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
    assert "The page of the app" in answer.text


def test_a_mistyped_api_path_is_a_page_with_status_200(measured):
    assert measured["swallowed"].typo.status_code == 200
    assert measured["swallowed"].typo.headers["content-type"].startswith("text/html")


def test_with_worker_first_paths_the_sign_in_ends_and_the_api_answers(measured):
    right = measured["worker-first"]
    assert (right.callback.status_code, right.callback.headers["location"]) == (302, "/")
    assert right.callback.headers["set-cookie"].startswith("session=")
    assert right.api.json() == {"items": 2}
    assert (right.typo.status_code, right.typo.json()["error"]["code"]) == (404, "not_found")


def test_pages_of_the_app_are_served_either_way(measured):
    for site in measured.values():
        assert site.page.status_code == 200 and "The page of the app" in site.page.text


def test_the_page_shows_what_is_measured(measured, pytestconfig):
    def words(answer: httpx.Response) -> str:
        kind = "page of the app" if "html" in answer.headers.get("content-type", "") else "Worker"
        return f"{answer.status_code}, {kind}"

    columns = [Column("/auth/callback"), Column("/api/cart"), Column("/api/crat"), Column("/orders/7")]
    ways = (("Fallback only", "wrong", "swallowed"), ("run_worker_first", "right", "worker-first"))
    rows = [
        Row(label, side, tuple(words(a) for a in (s.callback, s.api, s.typo, s.page)))
        for label, side, way in ways
        for s in [measured[way]]
    ]
    check(pytestconfig, "spa-fallback", "Who answers when a browser opens an address", columns, rows)
