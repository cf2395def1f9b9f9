"""The check of facts against their sources believes no server, raises no false alarm and survives every network."""

import datetime
import gzip
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from model.facts import ROOT, Fact, load
from tests.support.patience import PATIENCE_S
from tests.tools.vendor import Handler, Vendor, vendor
from tools.facts.__main__ import check
from tools.facts.fetch import PAGE_LIMIT_BYTES
from tools.facts.match import Finding, State
from tools.facts.pages import Page, Reader, same_place
from tools.facts.report import exit_code, report

HOST = "developers.cloudflare.com"
NOW = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.UTC)
DAY = NOW.date()
GOOD = "<title>Limits</title><p>You can make 1,000 writes per day.</p>"


class Time:
    """A clock that only a pause moves, and every pause that was taken."""

    def __init__(self) -> None:
        self.s, self.pauses = 0.0, []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.s += seconds


def fact(source: str, value: float | int | str = 1000, unit: str = "writes per day", **more: str) -> Fact:
    return Fact(
        "kv-writes",
        "Writes.",
        value,
        unit,
        "Free",
        source,
        datetime.date(2026, 9, 30),
        "page",
        "high",
        product="kv",
        **more,
    )


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Vendor]:
    """A vendor that is reached without a proxy, and trusted: loading all the world's authorities takes longer than a test."""
    with vendor() as started:
        monkeypatch.setenv("NO_PROXY", "*")
        monkeypatch.setenv("SSL_CERT_FILE", str(started.trusted_as(HOST, tmp_path)))
        yield started


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def reader(time: Time) -> Iterator[Reader]:
    with Reader(PATIENCE_S, time.sleep, lambda: time.s, lambda: NOW) as opened:
        yield opened


def only(reader: Reader, *facts: Fact) -> Finding:
    _, findings = check(facts, reader, lambda line: None)
    return findings[0]


# What a page says.


def test_a_page_that_still_says_it_is_unchanged(server: Vendor, reader: Reader):
    server.page("/limits/", GOOD)
    assert only(reader, fact(f"{server.url}/limits/#writes")).state is State.UNCHANGED


def test_a_changed_value_is_reported_with_the_new_one_when_the_fact_says_how_to_find_it(server: Vendor, reader: Reader):
    server.page("/limits/", GOOD.replace("1,000", "2,500"))
    finding = only(reader, fact(f"{server.url}/limits/", find=r"([\d,]+) writes per day"))
    assert (finding.state, finding.new) == (State.CHANGED, "2,500")


def test_a_missing_value_is_no_alarm_without_a_find_pattern(server: Vendor, reader: Reader):
    server.page("/limits/", GOOD.replace("1,000", "2,500"))
    assert only(reader, fact(f"{server.url}/limits/")).state is State.UNCLEAR


def test_a_find_pattern_that_matches_nothing_is_no_alarm(server: Vendor, reader: Reader):
    server.page("/limits/", "<p>Rewritten.</p>")
    assert only(reader, fact(f"{server.url}/limits/", find=r"([\d,]+) writes")).state is State.UNCLEAR


def test_a_page_is_fetched_once_for_all_its_facts_and_sections(server: Vendor, reader: Reader):
    server.page("/limits/", GOOD)
    pages, findings = check(
        [fact(f"{server.url}/limits/{part}") for part in ("", "#a", "#b")], reader, lambda line: None
    )
    assert (len(server.asked), len(pages), len(findings)) == (1, 1, 3)


def test_the_person_who_waits_sees_a_line_for_each_page(server: Vendor, reader: Reader):
    server.page("/a/", GOOD)
    lines: list[str] = []
    check([fact(f"{server.url}/a/"), fact(f"{server.url}/b/")], reader, lines.append)
    assert lines == [f"[1/2] {server.url}/a/: 1 unchanged", f"[2/2] {server.url}/b/: 1 page gone"]


# Pages that are gone.


@pytest.mark.parametrize("status", [404, 410])
def test_a_page_that_is_not_there_is_gone(status: int, server: Vendor, reader: Reader):
    server.page("/limits/", GOOD, status=status)
    finding = only(reader, fact(f"{server.url}/limits/"))
    assert (finding.state, finding.detail) == (State.GONE, f"status {status}")


def test_a_page_that_moved_to_another_path_is_gone_and_its_new_address_is_named(server: Vendor, reader: Reader):
    server.page("/limits/", "", status=301, Location="/platform/limits/")
    server.page("/platform/limits/", GOOD)
    finding = only(reader, fact(f"{server.url}/limits/"))
    assert (finding.state, finding.detail) == (State.GONE, f"moved to {server.url}/platform/limits/")


def test_a_page_that_moved_to_another_host_is_gone(server: Vendor, reader: Reader):
    there = f"http://localhost:{server.server_port}/limits/"

    def answer(handler: Handler) -> None:
        arrived = handler.headers["Host"].startswith("localhost")
        handler.give(GOOD, status=200 if arrived else 301, **({} if arrived else {"Location": there}))

    server.pages["/limits/"] = answer
    finding = only(reader, fact(f"{server.url}/limits/"))
    assert (finding.state, finding.detail) == (State.GONE, f"moved to {there}")


def test_a_page_that_moved_to_something_else_than_html_is_gone_all_the_same(server: Vendor, reader: Reader):
    server.page("/limits/", "", status=308, Location="/limits.pdf")
    server.page("/limits.pdf", b"%PDF", kind="application/pdf")
    assert only(reader, fact(f"{server.url}/limits/")).state is State.GONE


def test_a_redirect_to_the_same_page_is_followed_and_noted(server: Vendor, reader: Reader):
    server.page("/limits", "", status=301, Location="/limits/?lang=en")
    server.page("/limits/?lang=en", GOOD)
    pages, findings = check([fact(f"{server.url}/limits")], reader, lambda line: None)
    assert findings[0].state is State.UNCHANGED
    assert f"- <{server.url}/limits> leads to `{server.url}/limits/?lang=en`" in report(pages, findings, DAY)


def test_at_most_five_redirects_are_followed(server: Vendor, reader: Reader):
    for n in range(9):
        server.page(f"/{n}", "", status=301, Location=f"/{n + 1}")
    server.page("/9", GOOD)
    assert only(reader, fact(f"{server.url}/0")).state is State.UNCLEAR
    assert len(server.asked) == 6
    assert only(reader, fact(f"{server.url}/4")).detail == f"moved to {server.url}/9"


def test_https_and_the_last_slash_make_no_other_page_but_host_and_path_do():
    assert same_place("http://a.example/kv", "https://A.example/kv/?x=1#y")
    assert not same_place("https://a.example/kv/", "https://b.example/kv/")
    assert not same_place("https://a.example/kv/", "https://a.example/kv/limits/")


# Servers that lie or fail: nobody can tell, and nothing else is said.

LIES = {
    "an error page with status 200": ({"body": f"<title>Page not found · Docs</title>{GOOD[21:]}"}, "error page"),
    "another content type": ({"body": GOOD, "kind": "application/json"}, "not HTML: application/json"),
    "no content type": ({"body": GOOD, "kind": ""}, "not HTML: no content type"),
    "a body larger than any page": ({"body": b"x" * (PAGE_LIMIT_BYTES + 1)}, "larger than 5,000,000 bytes"),
    "a small body that unpacks to a huge one": (
        {"body": gzip.compress(gzip.compress(b"x" * (PAGE_LIMIT_BYTES + 1))), "Content_Encoding": "gzip, gzip"},
        "packed as gzip, gzip",
    ),
    "a body that breaks off": ({"body": GOOD, "length": 9000}, "broke off"),
    "a body that is not packed as it says": ({"body": GOOD, "Content_Encoding": "gzip"}, "packed as gzip"),
    "status 500": ({"body": GOOD, "status": 500}, "status 500"),
    "status 403": ({"body": GOOD, "status": 403}, "status 403"),
    "304 that nobody asked for": ({"body": "", "status": 304}, "status 304"),
    "a redirect to a file": ({"body": "", "status": 301, "Location": "file:///etc/passwd"}, "not a web address"),
    "a redirect to another protocol": (
        {"body": "", "status": 301, "Location": "ftp://127.0.0.1/limits/"},
        "not a web address",
    ),
    "a redirect to nonsense": ({"body": "", "status": 301, "Location": "http://[oops"}, "Invalid IPv6"),
    "a redirect without end": ({"body": "", "status": 302, "Location": "/limits/"}, "more than 5 redirects"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lying_server_is_not_believed(name: str, server: Vendor, reader: Reader):
    how, reason = LIES[name]
    server.page("/limits/", **how)
    finding = only(reader, fact(f"{server.url}/limits/", find=r"([\d,]+) writes"))
    assert finding.state is State.UNCLEAR
    assert reason in finding.detail


@pytest.mark.parametrize("charset", ["; charset=utf-8", "; charset=nonsense", "; charset=hex", ""])
def test_wrongly_encoded_bytes_spoil_only_themselves(charset: str, server: Vendor, reader: Reader):
    body = b'<meta charset="idna"><p>Caf\xe9 \xff</p><p>1,000 writes per day</p>'
    server.page("/limits/", body, kind=f"text/html{charset}")
    assert only(reader, fact(f"{server.url}/limits/")).state is State.UNCHANGED


@pytest.mark.parametrize(
    ("head", "encoding", "charset"),
    [
        ("", "utf-16", "; charset=utf-16"),
        ("", "latin-1", "; charset=latin-1"),
        ("<meta charset=latin-1>", "latin-1", ""),
    ],
)
def test_a_declared_encoding_is_used(head: str, encoding: str, charset: str, server: Vendor, reader: Reader):
    server.page("/limits/", f"{head}<p>1\xa0000 writes per day</p>".encode(encoding), kind=f"text/html{charset}")
    assert only(reader, fact(f"{server.url}/limits/")).state is State.UNCHANGED


def test_a_server_that_hangs_costs_the_timeout_and_no_more(server: Vendor):
    server.pages["/limits/"] = lambda handler: server.over.wait() and None
    with Reader(0.2) as reader:
        finding = only(reader, fact(f"{server.url}/limits/"))
    assert (finding.state, finding.detail) == (State.UNCLEAR, "no answer within 0.2 s")


def test_a_server_that_drips_costs_the_timeout_and_no_more(server: Vendor, reader: Reader, time: Time):
    def drip(handler: Handler) -> None:
        handler.give(b"", length=1000)
        while not server.over.is_set():
            time.s += PATIENCE_S / 5
            handler.wfile.write(b"x")

    server.pages["/limits/"] = drip
    finding = only(reader, fact(f"{server.url}/limits/"))
    assert (finding.state, finding.detail) == (State.UNCLEAR, f"not complete within {PATIENCE_S} s")


# Manners.


def test_the_same_host_is_asked_at_most_once_a_second(server: Vendor, reader: Reader, time: Time):
    for path in ("/a/", "/b/", "/c/"):
        server.page(path, GOOD)
    check([fact(f"{server.url}{path}") for path in ("/a/", "/b/", "/c/")], reader, lambda line: None)
    assert time.pauses == [1.0, 1.0]


def test_nothing_is_sent_but_get_requests_without_cookies_or_credentials(server: Vendor, reader: Reader):
    for path in ("/a/", "/b/"):
        server.page(path, GOOD, Set_Cookie="tracked=1; Path=/")
    check([fact(f"{server.url}/a/"), fact(f"{server.url}/b/")], reader, lambda line: None)
    sent = {name.lower() for _, headers in server.asked for name in headers}
    assert sent <= {"host", "accept", "accept-encoding", "connection", "user-agent"}


def retry(server: Vendor, status: int, value: str) -> None:
    """Refuse once with ``Retry-After``, then answer."""

    def answer(handler: Handler) -> None:
        refuse = len(server.asked) == 1
        handler.give(
            "busy" if refuse else GOOD, status=status if refuse else 200, **({"Retry_After": value} if refuse else {})
        )

    server.pages["/limits/"] = answer


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("value", "wait_s"),
    [
        ("7", 7),
        ("30", 30),
        ("0", 0),
        (format_datetime(NOW + datetime.timedelta(seconds=12), usegmt=True), 12),
        (format_datetime(NOW - datetime.timedelta(days=900), usegmt=True), 0),
        ("Mon, 23 Nov 2026 12:00:05 -0000", 5),
    ],
)
def test_a_busy_server_is_asked_again_when_it_says(
    status: int, value: str, wait_s: float, server: Vendor, reader: Reader, time: Time
):
    retry(server, status, value)
    assert only(reader, fact(f"{server.url}/limits/")).state is State.UNCHANGED
    assert time.pauses[0] == wait_s


@pytest.mark.parametrize(
    "value",
    [
        "31",
        "86400",
        "9" * 5000,
        "-5",
        "1e1",
        "soon",
        "",
        "²",
        "Mon, 99 Foo 2026 12:00:00 GMT",
        "Mon, 23 Nov 99999999999999999999 12:00:00 GMT",
        format_datetime(NOW + datetime.timedelta(days=900), usegmt=True),
    ],
)
def test_an_absurd_wait_is_not_waited(value: str, server: Vendor, reader: Reader, time: Time):
    server.page("/limits/", "busy", status=503, Retry_After=value)
    finding = only(reader, fact(f"{server.url}/limits/"))
    assert (finding.state, time.pauses, len(server.asked)) == (State.UNCLEAR, [], 1)
    assert finding.detail.startswith("status 503")


def test_a_server_that_stays_busy_is_left_alone_after_one_wait(server: Vendor, reader: Reader):
    server.page("/limits/", "busy", status=429, Retry_After="2")
    finding = only(reader, fact(f"{server.url}/limits/"))
    assert (finding.state, finding.detail, len(server.asked)) == (State.UNCLEAR, "status 429", 2)


def test_a_busy_server_that_names_no_time_is_not_asked_again(server: Vendor, reader: Reader):
    server.page("/limits/", "busy", status=429)
    assert only(reader, fact(f"{server.url}/limits/")).state is State.UNCLEAR
    assert len(server.asked) == 1


# No network.


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_host_that_gives_no_answer_three_times_is_left_alone(reader: Reader, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "*")
    port = closed_port()
    pages, findings = check([fact(f"http://127.0.0.1:{port}/{n}") for n in range(5)], reader, lambda line: None)
    assert {f.state for f in findings} == {State.UNCLEAR}
    assert ["no connection" in p.detail for p in pages] == [True, True, True, False, False]
    assert "left alone" in pages[4].detail
    assert exit_code(pages, findings) == 2


def test_an_answer_in_between_gives_a_host_its_chances_back(server: Vendor, reader: Reader):
    server.pages = {f"/{n}": lambda handler: setattr(handler, "close_connection", True) for n in range(5)}
    server.page("/2", GOOD)
    server.page("/5", GOOD)
    _, findings = check([fact(f"{server.url}/{n}") for n in range(6)], reader, lambda line: None)
    assert [f.state is State.UNCHANGED for f in findings] == [False, False, True, False, False, True]


# What is said in the end.


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([State.UNCHANGED, State.UNCLEAR], 0),
        ([State.UNCHANGED, State.CHANGED], 1),
        ([State.GONE], 1),
        ([State.UNCLEAR, State.UNCLEAR], 2),
    ],
)
def test_the_exit_code_says_what_to_do(states: list[State], code: int):
    pages = [Page("https://x/", s if s in (State.GONE, State.UNCLEAR) else None) for s in states]
    assert exit_code(pages, [Finding(fact("https://x/"), s, "") for s in states]) == code


def test_pages_that_were_read_without_a_verdict_are_no_failure():
    assert exit_code([Page("https://x/")], [Finding(fact("https://x/"), State.UNCLEAR, "")]) == 0


def test_the_report_says_for_every_fact_what_was_found_and_puts_changes_first():
    source = "https://developers.cloudflare.com/kv/"
    pages = [Page(source)]
    findings = [
        Finding(fact(source), State.UNCHANGED, "the number stands near its unit"),
        Finding(fact(source), State.CHANGED, "its find pattern matches another value", "2,500"),
    ]
    text = report(pages, findings, DAY)
    assert text.startswith("# Facts against their sources, 2026-11-23\n")
    assert "2 facts on 1 pages: 1 changed, 0 page gone, 0 could not tell, 1 unchanged." in text
    assert text.index("## Changed") < text.index("## Unchanged")
    assert (
        f"| kv-writes | `1,000 writes per day` | `2,500` | `its find pattern matches another value` | <{source}> |"
        in text
    )
    assert "## Page gone" not in text and "## Redirects" not in text


def test_a_page_cannot_write_into_the_report():
    evil = "x` | [click](https://evil.example) <script>\n## Unchanged\x1b[2J" + "y" * 500
    text = report([Page("https://x/")], [Finding(fact("https://x/"), State.CHANGED, "", evil)], DAY)
    [row] = [line for line in text.split("\n") if "click" in line]
    assert row.count("|") == 6 and len(row) < 400
    assert re.search(r"\| `x' ¦ \[click\][^`]*…` \|", row)
    assert "\x1b" not in text and "\n## Unchanged" not in text


# The command, as a person runs it, with the real YAML: the vendor's host is behind a proxy of ours.


def smallest_product() -> tuple[str, list[Fact]]:
    """Return a product with one source page and at least one number on it, so that the command needs no pause."""
    products: dict[str, list[Fact]] = {}
    for one in load().values():
        products.setdefault(one.product, []).append(one)
    suited = {
        name: facts
        for name, facts in products.items()
        if len({f.source.partition("#")[0] for f in facts}) == 1
        and urlsplit(facts[0].source).hostname == HOST
        and any(not isinstance(f.value, str) and f.unit and not f.find for f in facts)
    }
    return min(suited.items())


def command(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return subprocess.run(
        [sys.executable, "-m", "tools.facts", "check", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env={**clean, **env},
        check=False,
    )


@pytest.mark.parametrize(("there", "code"), [(True, 0), (False, 1)], ids=["page there", "page gone"])
def test_the_command_checks_a_product_and_writes_a_report(there: bool, code: int, server: Vendor, tmp_path: Path):
    product, facts = smallest_product()
    if there:
        server.page(urlsplit(facts[0].source).path, "".join(f"<p>{f.shown}</p>" for f in facts))
    out = tmp_path / "out" / "report.md"
    done = command("--product", product, "--report", str(out), HTTPS_PROXY=server.url)
    assert done.returncode == code, done.stderr
    text = out.read_text()
    assert all(f"| {f.id} |" in text for f in facts)
    assert ("## Unchanged" in text, "## Page gone" in text) == (there, not there)
    assert done.stderr.startswith("[1/1] https://developers.cloudflare.com/")
    assert done.stdout.startswith(f"{len(facts)} facts on 1 pages: ")


def test_the_timeout_of_the_command_line_holds(server: Vendor):
    product, facts = smallest_product()
    server.pages[urlsplit(facts[0].source).path] = lambda handler: server.over.wait() and None
    done = command("--product", product, "--timeout", "0.5", HTTPS_PROXY=server.url)
    assert done.returncode == 2
    assert "(no answer within 0.5 s)" in done.stderr


def test_without_a_report_file_the_report_is_printed(server: Vendor):
    product, facts = smallest_product()
    done = command("--product", product, HTTPS_PROXY=server.url)
    assert done.stdout.startswith("# Facts against their sources")
    assert facts[0].id in done.stdout


def test_offline_the_command_says_so_in_one_sentence(tmp_path: Path):
    product, _ = smallest_product()
    out = tmp_path / "report.md"
    done = command("--product", product, "--report", str(out), HTTPS_PROXY=f"http://127.0.0.1:{closed_port()}")
    assert done.returncode == 2
    assert "## Could not tell" in out.read_text()
    assert done.stdout == ""
    progress, sentence = done.stderr.splitlines()
    assert progress.startswith("[1/1] ")
    assert re.fullmatch(r"Nothing could be checked, none of 1 pages could be fetched \(no connection: .*\)\.", sentence)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--product", "nope"], "invalid choice: 'nope'"),
        (["--timeout", "0"], "--timeout: give a number"),
        (["--timeout", "nan"], "--timeout: give a number"),
    ],
)
def test_a_wrong_command_line_is_explained(arguments: list[str], message: str):
    done = command(*arguments)
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr
