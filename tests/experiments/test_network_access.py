"""Mistake 6: a stolen laptop reaches everything in a range, and one application where applications are published."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from runtime.workers import Example, Runtime
from tests.experiments.measure import EXPERIMENTS, Column, Row, check

SERVICES = ("wiki", "payroll", "database", "backup")
ANA = "ana@example.com"


@dataclass(frozen=True)
class Scan:
    """What somebody with Ana's laptop reached, and what the log says about each attempt."""

    reached: list[str]
    log: list[dict[str, object]]

    @property
    def explained(self) -> int:
        return sum(bool(line.keys() >= {"who", "host"}) for line in self.log)


@contextmanager
def private_services() -> Iterator[dict[str, int]]:
    """Four services that listen on 127.0.0.1: two web applications, and two that speak TCP only."""

    class Application(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.server.service.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with ExitStack() as stack:
        ports = {}
        for name in SERVICES[:2]:
            server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Application))
            server.service = name
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            ports[name] = server.server_port
        for name in SERVICES[2:]:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            ports[name] = listener.getsockname()[1]
        yield ports


def log(example: Example, before: int) -> list[dict[str, object]]:
    return [json.loads(line.partition(": ")[2]) for line in example.logs()[before:]]


def scan_range(example: Example, ports: dict[str, int]) -> Scan:
    before = len(example.logs())
    reached = [name for name, port in ports.items() if example.http.get(f"/range/{port}").status_code == 200]
    return Scan(reached, log(example, before))


def scan_applications(example: Example) -> Scan:
    before = len(example.logs())
    reached = []
    for name in SERVICES:
        answer = example.http.get("/", headers={"Host": f"{name}.example.com"})
        if answer.status_code == 200:
            assert answer.text == name
            reached.append(name)
        else:
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    return Scan(reached, log(example, before))


@pytest.fixture(scope="module")
def measured(runtime: Runtime) -> Iterator[dict[str, Scan]]:
    with private_services() as ports:
        origins = {f"{name.upper()}_ORIGIN": f"http://127.0.0.1:{ports[name]}" for name in ("wiki", "payroll")}
        with runtime.example(EXPERIMENTS / "network-access", variables=origins) as example:
            with socket.create_server(("127.0.0.1", 0)) as closed:
                free = closed.getsockname()[1]
            assert example.http.get(f"/range/{free}").status_code == 502, "a scan tells open ports from closed ones"
            yield {"range": scan_range(example, ports), "application": scan_applications(example)}


def test_a_range_gives_everything_that_listens_in_it(measured):
    assert measured["range"].reached == list(SERVICES)


def test_a_published_application_gives_what_its_policy_says(measured):
    assert measured["application"].reached == ["wiki"]


def test_only_the_log_of_applications_says_who_wanted_what(measured):
    assert measured["range"].explained == 0
    assert [(line["event"], line["who"]) for line in measured["application"].log] == [
        ("allowed", ANA),
        *[("refused", ANA)] * 3,
    ]


def test_the_page_shows_what_is_measured(measured, pytestconfig):
    columns = [
        Column("Private services"),
        Column("Reached", bars=True),
        Column("Log lines with person and application"),
    ]
    ways = (("A route for the range", "wrong", "range"), ("One policy for each application", "right", "application"))
    rows = [
        Row(label, side, (len(SERVICES), len(measured[way].reached), measured[way].explained))
        for label, side, way in ways
    ]
    check(pytestconfig, "network-access", "Somebody has Ana's laptop, and Ana may open the wiki only", columns, rows)
