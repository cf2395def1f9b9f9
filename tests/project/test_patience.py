"""No test's verdict hangs on a clock: a busy machine is slow, and nothing else.

What is found here reads a clock, sleeps, or sets a limit of its own. Mostly it should be ``until``, a count, or
``processor_s``. The few places that need it stand in ``ALLOWED`` with the reason why a slow machine changes nothing.
"""

import ast
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import expect
from websockets.sync.client import connect

from model.files import ROOT
from tests.support.patience import PATIENCE_S, until, until_limited

CLOCKS = {"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"}
SLEEPS = {"sleep", "wait_for_timeout"}
NOW = {"time", "time_ns", "now", "today"}
SUMS = {"abs", "float", "int", "max", "min", "round"}
# Calls whose plain number is how long somebody waits: wait(10), join(10), asyncio.timeout(10), mark.timeout(300).
WAITS = {"wait", "join", "timeout", "wait_for", "result"}
LIMITS = {"timeout", "open_timeout"}
ALLOWED = {
    "tests/support/scratch.py::sweep": "deletes when all is over, until nothing is left",
    "tests/project/test_scratch.py::test_a_run_that_ends_badly_leaves_no_file_and_no_process": "a person's pause between two Ctrl-C",
    "tests/experiments/test_hot_object.py::rush": "times of the page; no verdict compares them",
    "tests/experiments/test_kv_counter.py::count": "times of the page; no verdict compares them",
    "tests/experiments/test_upload_path.py::milliseconds": "times of the page; only a clear order within one run is compared",
    "tests/experiments/test_upload_path.py::signed": "times of the page; only a clear order within one run is compared",
    "tests/experiments/test_upload_path.py::upload": "times of the page; only a clear order within one run is compared",
    "tests/snippets/hybrid_origins/faulty.py::Faulty": "a site that is slow on purpose, longer than anybody waits, or flaps",
    "tests/snippets/private_machine_api/support.py::raw": "a caller that is slow on purpose; a later answer is the same",
    "tests/snippets/realtime_durable_objects/support.py::Member": "looks often whether the room cut the connection, and gives up "
    "after PATIENCE_S",
    "tests/snippets/test_every_client.py::drip": "a server that is slow on purpose; an event ends it, and a slower one changes nothing",
    "tests/snippets/test_hybrid_origins.py::Shop": "times that --update writes; no verdict compares them",
    "tests/snippets/test_hybrid_origins.py::load": "times that --update writes; a verdict asks only what came before what",
    "tests/snippets/test_hybrid_origins.py::waiting_at": "a wait within which a hedge would come; a longer one proves more",
    "tests/snippets/test_hybrid_origins_health.py::hangs": "a check that is slow on purpose, longer than anybody waits",
    "tests/snippets/test_hybrid_origins_health.py::test_a_hundred_probes_ask_the_database_once": "lets the other probes come first",
    "tests/snippets/test_private_machine_api_access.py::busy": "when a pause of the Worker began",
    "tests/snippets/test_private_machine_api_access.py::test_keys_change_while_requests_come": "the end of a pause of the Worker: "
    "a longer wait changes nothing",
    "tests/snippets/test_realtime_durable_objects.py::test_members_who_reconnect_at_random_while_others_talk_miss_nothing_and_get_"
    "nothing_twice": "a member who hears nothing leaves and comes again, which is what the test is about",
    "tests/snippets/test_realtime_durable_objects.py::test_who_waits_as_told_goes_on": "the wait that the room asks for; longer is fine",
    "tests/snippets/test_realtime_durable_objects_load.py::loaded": "looks again and again, until PATIENCE_S is over",
    "tests/snippets/test_realtime_durable_objects_load.py::per_second": "rates that --update writes; no verdict compares them",
    "tests/snippets/test_realtime_durable_objects_load.py::work_of_a_message": "looks again and again until enough is stored",
    "tests/model/test_facts.py::test_without_a_given_day_it_is_today": "the day before and after, which may be two",
    "tests/snippets/test_realtime_durable_objects.py::test_a_message_reaches_everyone_in_the_room_and_its_sender_gets_the_number": "only what came before what",
}


def called(node: ast.AST) -> str:
    """Return the last name of what is called."""
    if not isinstance(node, ast.Call):
        return ""
    return getattr(node.func, "attr", "") or getattr(node.func, "id", "")


def seconds(node: ast.expr) -> bool:
    """Whether this is a number of seconds (or milliseconds) that a busy machine may need."""
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)


def asks_for_now(node: ast.AST) -> bool:
    """Whether a value depends on what time it is; what is only sent to somebody does not count."""
    if isinstance(node, ast.Call) and called(node) not in SUMS:
        return called(node) in NOW
    return any(map(asks_for_now, ast.iter_child_nodes(node)))


def timed(node: ast.AST) -> str:
    """Say what about this piece of code hangs on a clock."""
    name = called(node)
    if name in CLOCKS:
        return "reads a clock"
    if name in SLEEPS:
        return "sleeps"
    if name in WAITS and any(map(seconds, node.args)):
        return "waits for a time of its own"
    if isinstance(node, ast.keyword) and node.arg in LIMITS and seconds(node.value):
        return "has a time limit of its own"
    if isinstance(node, ast.Assert) and asks_for_now(node.test):
        return "asserts what time it is"
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    if "given" in map(called, decorators) and "deadline=None" not in "".join(map(ast.unparse, decorators)):
        return "has Hypothesis's time limit for an example; say deadline=None"
    return ""


def places(code: str, file: str) -> Iterator[tuple[str, int, str]]:
    """Yield place, line and complaint for all code that hangs on a clock; a place is a file and its outermost name."""
    for top in ast.parse(code).body:
        place = f"{file}::{top.name}" if hasattr(top, "name") else file
        for node in ast.walk(top):
            if complaint := timed(node):
                yield place, getattr(node, "lineno", top.lineno), complaint


def test_nothing_hangs_on_a_clock_but_what_has_a_reason():
    found = {}
    for path in [*(ROOT / "tests").rglob("*.py"), ROOT / "conftest.py"]:
        for place, line, complaint in places(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))):
            found.setdefault(place, []).append(f"{place} (line {line}) {complaint}")
    new = [line for place, lines in found.items() if place not in ALLOWED for line in lines]
    assert not new, "Wait with runtime/patience.py, or compare what no clock measures:\n" + "\n".join(new)
    assert ALLOWED.keys() <= found.keys(), f"no longer needed: {sorted(ALLOWED.keys() - found.keys())}"
    assert all(len(reason.split()) > 4 for reason in ALLOWED.values())


@pytest.mark.parametrize(
    "code",
    [
        "assert time.monotonic() - started < 5",
        "took = perf_counter() - start",
        "time.sleep(0.3)",
        "page.wait_for_timeout(300)",
        "process.wait(10)",
        "await asyncio.wait_for(socket.recv(), 20)",
        "httpx.get(url, timeout=5)",
        "pytestmark = pytest.mark.timeout(300)",
        "assert abs(seen - time.time()) < 60",
        "@given(texts)\ndef test_x(text): ...",
    ],
)
def test_what_hangs_on_a_clock_is_found(code: str):
    assert len(list(places(code, "x.py"))) >= 1


@pytest.mark.parametrize(
    "code",
    [
        "until(lambda: server.started)",
        "process.wait(PATIENCE_S)",
        "start.wait()",
        "httpx.get(url, timeout=PATIENCE_S)",
        "token = issue(time.time() + 600)",
        "assert get(token(exp=int(time.time()) - 20)).status_code == 200",
        "assert processor_s(runtime) - used_s < 10",
        "', '.join(names)",
        "@settings(deadline=None)\n@given(texts)\ndef test_x(text): ...",
    ],
)
def test_what_hangs_on_no_clock_is_left_alone(code: str):
    assert list(places(code, "x.py")) == []


def test_clients_that_name_no_limit_wait_as_long_as_all_others():
    assert httpx.Client(verify=False).timeout == httpx.Timeout(PATIENCE_S)
    assert connect.__kwdefaults__["open_timeout"] == PATIENCE_S
    assert expect._timeout == 1000 * PATIENCE_S


def test_a_wait_ends_when_it_happens_and_says_what_hangs(monkeypatch: pytest.MonkeyPatch):
    left = [3, 2, 1, 0]
    assert until(left.pop, lambda value: value == 2) == 2
    monkeypatch.setattr("runtime.patience.PATIENCE_S", 0)
    with pytest.raises(AssertionError, match=r"the end did not happen in 0 s; the last value is 'running'"):
        until(lambda: "running", lambda state: state == "over", "the end")


def test_a_limiter_that_lets_through_less_or_more_than_its_limit_is_found():
    def answers(taken: int) -> Iterator[httpx.Response]:
        yield from [httpx.Response(200)] * taken
        yield httpx.Response(429)

    for taken in (19, 200):
        with pytest.raises(AssertionError):
            until_limited(answers(taken).__next__, 20)
    assert until_limited(answers(20).__next__, 20).status_code == 429
