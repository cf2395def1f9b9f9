"""__title__, as callers meet it."""

from collections.abc import Iterator

import pytest

from runtime.workers import Example, Runtime


@pytest.fixture(scope="module")
def api(runtime: Runtime) -> Iterator[Example]:
    with runtime.example("__slug__") as example:
        yield example


def test_a_name_is_greeted(api: Example):
    answer = api.http.get("/v1/greetings/ada")
    assert (answer.status_code, answer.json()) == (200, {"greeting": "Hello, ada."})
    head = api.http.head("/v1/greetings/ada")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not_found"),
        ("GET", "/v1/greetings/", 404, "not_found"),
        ("GET", "/v1/greetings/4711", 404, "not_found"),
        ("GET", f"/v1/greetings/{'a' * 41}", 404, "not_found"),
        ("GET", "/v1/greetings/ada%2F..", 404, "not_found"),
        ("POST", "/v1/greetings/ada", 405, "method_not_allowed"),
        ("DELETE", "/v1/greetings/ada", 405, "method_not_allowed"),
    ],
)
def test_what_the_worker_does_not_know_is_refused_with_a_code(
    api: Example, method: str, path: str, status: int, code: str
):
    answer = api.http.request(method, path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
