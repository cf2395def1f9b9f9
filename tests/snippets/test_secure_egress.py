"""Gateway policies tried on traffic, and a block list that a broken feed cannot break."""

import asyncio
import gzip
import importlib
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest
import yaml

from runtime import toolchain
from runtime.workers import SNIPPETS
from tests.snippets.secure_egress.lists_api import Lists, lists_api
from tools.terraform.__main__ import resources

EXAMPLE = SNIPPETS / "secure-egress"
TERRAFORM = EXAMPLE / "terraform"
TRAFFIC = yaml.safe_load((EXAMPLE / "traffic.yml").read_text())
OWN = frozenset({"example.com", "shop.example.net"})


@pytest.fixture(scope="module", autouse=True)
def modules() -> Iterator[None]:
    """The example's own modules, which import each other by plain names as a reader's do."""
    sys.path.insert(0, str(EXAMPLE))
    yield
    sys.path.remove(str(EXAMPLE))
    for name in (
        "feed",
        "operands",
        "policies",
        "wirefilter",
        "verdicts",
        "blocklist",
        "address",
        "api",
        "careful",
        "once",
    ):
        sys.modules.pop(name, None)


@pytest.fixture
def api() -> Iterator[Lists]:
    with lists_api() as started:
        yield started


@dataclass
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run one of the example's commands in this process: starting the SDK anew costs seconds each time."""

    def call(script: str, *arguments: str | Path, **env: str) -> Done:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        code = importlib.import_module(script).main(list(map(str, arguments)))
        out = capsys.readouterr()
        return Done(code, out.out, out.err)

    return call


@pytest.fixture
def sync(api: Lists, run: Callable[..., Done]) -> Callable[..., Done]:
    def call(feed: Path, *more: str, token: str = "token") -> Done:
        env = {"CLOUDFLARE_API_TOKEN": token, "CLOUDFLARE_BASE_URL": api.url, "NO_PROXY": "*"}
        return run("blocklist", feed, "--own", "example.com", "--list", "list-1", "--account", "acc", *more, **env)

    return call


def written(tmp_path: Path, *domains: str) -> Path:
    path = tmp_path / "feed.txt"
    path.write_text("".join(f"{d}\n" for d in domains))
    return path


# Verdicts


@pytest.mark.parametrize("row", [pytest.param(r, id=r["what"]) for r in TRAFFIC])
def test_traffic_gets_the_expected_verdict_from_the_expected_policy(row: dict):
    from policies import load
    from verdicts import verdict

    policies, lists = load()
    got = verdict(row["request"], policies, lists | {"blocked": ["phish.example"]})
    assert (got.action, got.policy) == (row["expect"], row["by"])


def test_every_policy_decides_at_least_one_row_and_the_default_too():
    from policies import load

    names = {p.name for p in load()[0]}
    assert {row["by"] for row in TRAFFIC} == names | {"default"}
    assert len(names) >= 10 and len(TRAFFIC) >= 14


def test_the_policies_stand_in_gateways_order_and_none_shares_a_place():
    from policies import load

    policies, _ = load()
    assert list(dict.fromkeys(p.stage for p in policies)) == ["dns", "egress", "l4", "http"]
    places = [(p.stage, p.precedence) for p in policies]
    assert len(set(places)) == len(places) and places == sorted(
        places, key=lambda x: (["dns", "egress", "l4", "http"].index(x[0]), x[1])
    )


@pytest.mark.parametrize(
    ("file", "old", "new", "row"),
    [
        ("dns.tf", "precedence = 1000", "precedence = 9000", None),
        ("http.tf", "precedence = 3000", "precedence = 4500", "A trained person sends it a PDF"),
        ("network.tf", 'action     = "block"', 'action     = "allow"', "Mail past the mail server"),
        ("http.tf", "enabled    = true", "enabled    = false", "Private banking"),
        ("http.tf", 'action     = "off"', 'action     = "block"', "Private banking"),
        ("http.tf", "identity.groups.name[*]", "identity.groups.email[*]", "A trained person asks an assistant"),
    ],
)
def test_a_changed_policy_changes_the_verdict(tmp_path: Path, file: str, old: str, new: str, row: str | None):
    from policies import load
    from verdicts import verdict

    for path in TERRAFORM.glob("*.tf"):
        text = path.read_text()
        if path.name == file:
            assert old in text
            text = text.replace(old, new, 1)
        (tmp_path / path.name).write_text(text)
    policies, lists = load(tmp_path)
    lists["blocked"] = ["phish.example"]
    differing = [
        r["what"]
        for r in TRAFFIC
        if (v := verdict(r["request"], policies, lists)) and (v.action, v.policy) != (r["expect"], r["by"])
    ]
    assert differing == ([row] if row else [])


def test_a_wrong_expectation_fails_the_command_and_a_bad_file_is_explained(tmp_path: Path, run: Callable[..., Done]):
    path = tmp_path / "traffic.yml"
    path.write_text(yaml.safe_dump([{**TRAFFIC[1], "expect": "allow"}]))
    done = run("verdicts", path)
    assert (
        done.returncode == 1 and "FAIL A domain of the feed: block" in done.stdout and "expected: allow" in done.stdout
    )
    for text in ("- what: x\n", "x: [", "just text\n"):
        path.write_text(text)
        done = run("verdicts", path)
        assert done.returncode == 2 and done.stderr.startswith("cannot try the traffic: ")
    path.write_bytes(b"# Geb\xfchr\n- what: x\n")
    assert run("verdicts", path).stderr == "cannot try the traffic: Unreadable: traffic.yml:1: not UTF-8\n"
    assert run("verdicts").stderr == "usage: verdicts.py TRAFFIC\n"


@pytest.mark.parametrize(
    "change",
    [
        {"what": 7},
        {"what": "*a11"},
        {"expect": None},
        {"by": ["default"]},
        {"because": "x"},
        {"request": "dns.domains"},
        {"request": {"net.dst.port": "*a11"}},
        {"request": {"dns.domains": ["*a11"]}},
        {"request": {"dns.domains": [["phish.example"]]}},
        {"request": {"net.dst.port": True}},
        {"request": {"net.dst.port": 443.0}},
        {"request": {7: 443}},
    ],
    ids=str,
)
def test_a_row_of_another_shape_is_named_in_one_short_line(tmp_path: Path, run: Callable[..., Done], change: dict):
    """Also one with aliases that unfold to gigabytes."""
    path = tmp_path / "traffic.yml"
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))]
    aliases = "- what: x\n  expect: allow\n  by: default\n  request:\n" + "".join(f"    {line}\n" for line in lines)
    row = yaml.safe_dump([TRAFFIC[0] | change]).replace("'*a11'", "*a11")
    path.write_text((aliases if "*a11" in row else "") + row)
    done = run("verdicts", path)
    assert done.returncode == 2 and done.stdout == "" and len(done.stderr) < 200
    assert re.fullmatch(r"cannot try the traffic: ValueError: row 1: .+\n", done.stderr)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("net.dst.port in {25 465}", True),
        ("net.dst.port == 25", True),
        ("net.dst.port != 25", False),
        ("not(net.dst.port == 25)", False),
        ('http.request.host == "a.example" and net.dst.port == 25', False),
        ('http.request.host == "a.example" or net.dst.port == 25', True),
        ('(http.request.host == "x" or net.dst.port == 25) and net.dst.port in {25}', True),
        ("any(dns.domains[*] in $bad)", True),
        ('any(dns.domains[*] in {"phish.example"})', True),
        ('any(dns.domains[*] in {"ish.example"})', False),
        ("net.dst.ip in {198.51.100.0/24}", True),
        ("net.dst.ip in {203.0.113.0/24}", False),
        ("any(missing[*] in {1})", False),
        ('any(device_posture.checks.passed[*] == "disk")', False),
        # Each element for itself: one other value is enough.
        ("any(dns.resolved_ips[*] != 192.0.2.1)", True),
        ("any(dns.security_category[*] != 80)", True),
        ("not(any(dns.security_category[*] == 80))", False),
        ("any(missing[*] != 1)", False),
        ("missing != 1", True),
        # A name is the same in every spelling; a host stands for itself, a domain also for what is below.
        ('any(dns.domains[*] in {"PHISH.example."})', True),
        ('any(dns.domains[*] == "A.Phish.Example.")', True),
        ('http.request.host == "login.phish.example"', True),
        ('http.request.host != "login.phish.example"', False),
        ("http.request.host in $bad", False),
        ('http.request.host in {"login.phish.example"}', True),
        ("net.sni.host in $bad", True),
        ("any(http.request.domains[*] in $bad)", True),
        ("any(http.conn.domains[*] in $bad)", False),
    ],
)
def test_expressions_hold_as_gateway_documents_them(text: str, held: bool):
    from wirefilter import Evaluator

    request = {
        "net.dst.port": 25,
        "dns.domains": ["a.phish.example"],
        "dns.resolved_ips": ["192.0.2.1", "192.0.2.2"],
        "dns.security_category": [80, 83],
        "net.dst.ip": "198.51.100.9",
        "http.request.host": "Login.Phish.example.",
        "http.request.domains": ["Login.Phish.example."],
        "http.conn.domains": ["xphish.example"],
        "net.sni.host": "PHISH.example.",
    }
    assert Evaluator(text, request, {"bad": ["phish.example"]}).holds() is held


@pytest.mark.parametrize(
    ("text", "address", "held"),
    [
        ("in {198.51.100.0/24}", "::ffff:198.51.100.9", True),
        ("in {198.51.100.0/24}", "2001:db8::9", False),
        ("in {::ffff:198.51.100.0/120}", "198.51.100.9", True),
        ("in {::ffff:198.51.100.9}", "::ffff:c633:6409", True),
        ("in {2001:db8:0::9}", "2001:DB8::9", True),
        ("in $office", "::ffff:198.51.100.9", True),
        ("== 0:0:0:0:0:0:0:1", "::1", True),
        ("== ::ffff:198.51.100.9", "198.51.100.9", True),
        ("!= ::ffff:198.51.100.9", "198.51.100.9", False),
        ("!= 198.51.100.9", "198.51.100.8", True),
    ],
)
@pytest.mark.parametrize("field", ["net.dst.ip", "dns.resolved_ips"])
def test_an_address_is_the_same_in_every_spelling(field: str, text: str, address: str, held: bool):
    from wirefilter import Evaluator

    lists = {"office": ["198.51.100.0/24"]}
    assert Evaluator(f"any({field}[*] {text})", {field: [address]}, lists).holds() is held


@pytest.mark.parametrize("address", ["", "x", "2001:db8::9%x", "010.0.0.1", "198.51.100.0/24"])
@pytest.mark.parametrize("text", ["in {198.51.100.0/24}", "== 198.51.100.9"])
def test_what_is_no_address_is_an_error_and_not_a_verdict(address: str, text: str):
    from wirefilter import Evaluator, ExpressionError

    with pytest.raises(ExpressionError, match="no address"):
        Evaluator(f"net.dst.ip {text}", {"net.dst.ip": address}, {}).holds()


@pytest.mark.parametrize(
    "text",
    [
        "in {198.51.100.9/24}",
        "in {010.0.0.1}",
        "in {x}",
        "in {198.51.100.1..198.51.100.9}",
        "== 198.51.100.0/24",
        "in $bad",
    ],
)
def test_a_set_that_holds_no_address_is_an_error_and_not_a_verdict(text: str):
    from wirefilter import Evaluator, ExpressionError

    with pytest.raises(ExpressionError):
        Evaluator(f"net.dst.ip {text}", {"net.dst.ip": "198.51.100.8"}, {"bad": ["2001:db8::%x"]}).holds()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "net.dst.port",
        "net.dst.port in",
        "net.dst.port in $gone",
        "a == 1 b",
        "a matches 1",
        "(a == 1",
        "a == ;",
        "a in {0..2}",
        "a[*] == 1",
        "any(a == 1)",
        "any(a in {1})",
        "not(a[*] != 1)",
        "b == 1",
    ],
)
def test_an_expression_outside_the_known_part_is_an_error_and_not_a_verdict(text: str):
    from wirefilter import Evaluator, ExpressionError

    with pytest.raises(ExpressionError):
        Evaluator(text, {"a": 1, "b": [1]}, {}).holds()


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (r'http.user_agent == "a\"b"', True),
        (r'http.user_agent != "a\"b"', False),
        (r'http.user_agent in {"x" "a\"b"}', True),
        (r'any(names[*] == "a\"")', True),
        (r'any(names[*] == "\"a")', True),
        (r'any(names[*] == "\\")', True),
        (r'any(names[*] in {"a..b"})', True),
        (r'any(names[*] == "or")', True),
        (r'any(names[*] == "a")', False),
    ],
)
def test_a_text_is_compared_as_it_stands_between_its_quotes(text: str, held: bool):
    from wirefilter import Evaluator

    request = {"http.user_agent": 'a"b', "names": ['a"', '"a', "\\", "a..b", "or"]}
    assert Evaluator(text, request, {}).holds() is held


@pytest.mark.parametrize(
    "text",
    [
        "http.request.method == POST",
        "http.request.method != GET",
        "http.request.method in {GET POST}",
        "http.request.method == 25",
        "missing == POST",
        "any(dns.domains[*] in {phish.example})",
        "any(dns.domains[*] in {25})",
        "net.sni.host == 25",
        'net.dst.port == "25"',
        'net.dst.port in {"25" "465"}',
        "net.dst.port in {smtp}",
        "net.dst.port == 025",
        "net.dst.port == $ports",
        "net.dst.port in $ports",
        f"net.dst.port == {'9' * 5000}",
        "net.dst.port == ٢٥",
        "net.dst.port in {25",
        "net.dst.port in {25 == 465}",
        'net.dst.ip == "198.51.100.9"',
        'net.dst.ip in {"198.51.100.0/24"}',
        "missing.ip in {office}",
        "net.dst.ip == 25",
        r'http.request.method == "\x50OST"',
        r'http.request.method == "POST\n"',
        'http.request.method == r"POST"',
        '"http.request.method" == "GET"',
        "25 == 25",
        "or == 25",
        "{ == 25",
        "$ports == 25",
    ],
)
def test_a_value_of_another_kind_is_an_error_and_not_a_verdict(text: str):
    from wirefilter import Evaluator, ExpressionError

    request = {
        "http.request.method": "GET",
        "dns.domains": ["phish.example"],
        "net.dst.port": 25,
        "net.dst.ip": "198.51.100.9",
        "net.sni.host": "25",
    }
    with pytest.raises(ExpressionError):
        Evaluator(text, request, {"ports": ["25"]}).holds()


@pytest.mark.parametrize("text", ["(" * 5000, "not(" * 5000])
def test_an_expression_without_a_bottom_is_an_error_and_not_a_stack(text: str):
    from wirefilter import Evaluator, ExpressionError

    with pytest.raises(ExpressionError, match="too deep"):
        Evaluator(text, {}, {}).holds()


def test_terraform_hands_over_the_text_that_it_would_send(tmp_path: Path):
    from policies import load

    (tmp_path / "dns.tf").write_text(
        r"""resource "cloudflare_zero_trust_gateway_policy" "one" {
          name       = "No \"quotes\""
          filters    = ["dns"]
          action     = "block"
          precedence = 1
          enabled    = true
          traffic    = "a == \"x\\\"y\\\\\" $${z} \u00e9"
          identity   = format("any(b[*] == \"%s\\\"\")", cloudflare_zero_trust_list.small.id)
        }
        resource "cloudflare_zero_trust_list" "small" {
          items = [{ value = "\"" }]
        }
        """
    )
    [policy], lists = load(tmp_path)
    assert policy.name == 'No "quotes"' and lists == {"small": ['"']}
    assert policy.conditions == (r'a == "x\"y\\" ${z} é', r'any(b[*] == "small\"")')


@pytest.mark.parametrize(
    "rows",
    [
        b"- { what: x, request: {}, by: default }",
        b"- { what: x, request: text, expect: allow, by: default }",
        b"- { what: x, request: [], expect: allow, by: default }",
        b"- { what: x, request: { net.dst.port: '443' }, expect: allow, by: default }",
        b"- { what: x, request: { net.dst.port: { a: 1 } }, expect: allow, by: default }",
        b"- { what: x, request: { dns.domains: [7] }, expect: allow, by: default }",
        b"- 7",
        b"{}",
        b"[]",
        b"''",
        b"\xff",
    ],
    ids=str,
)
def test_a_row_that_is_none_is_told_in_one_line(tmp_path: Path, run: Callable[..., Done], rows: bytes):
    (tmp_path / "traffic.yml").write_bytes(rows)
    done = run("verdicts", tmp_path / "traffic.yml")
    assert done.returncode == 2 and done.stderr.startswith("cannot try the traffic: ")
    assert len(done.stderr.splitlines()) == 1


# The feed


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"phish.example\nevil.exam", "ends within a line"),
        (b"", "ends within a line"),
        (b"# nothing\n\n", "holds no domain"),
        (b"phish.example\nco.uk\n", "line 2: co.uk is a public suffix"),
        (b"phish.example\n\ngithub.io\n", "line 3: github.io is a public suffix"),
        (b"com\n", "line 1: 'com' is no domain"),
        (b"amazonaws.com\n", "line 1: amazonaws.com stands above a public suffix"),
        (b"eu-west-1.amazonaws.com\n", "line 1: eu-west-1.amazonaws.com stands above a public suffix"),
        (b"compute.amazonaws.com\n", "line 1: compute.amazonaws.com is a public suffix"),
        ("phish\u212a.example\n".encode(), "is no domain"),
        ("b\u00fccher.example\n".encode(), "is no domain"),
        (b"phish.example..\n", "is no domain"),
        (b"phish.example\nexample.com\n", "line 2: example.com would block example.com, which is ours"),
        (b"www.example.com\n", "line 1: www.example.com would block example.com"),
        (b"example.net # ours stands below it\n", "line 1: example.net would block shop.example.net"),
        (b"EXAMPLE.COM.\n", "line 1: example.com would block example.com"),
        (b"198.51.100.7\n", "line 1: 198.51.100.7 is an address"),
        (b"http://phish.example/\n", "line 1: 'http://phish.example/' is no domain"),
        (b"*.phish.example\n", "is no domain"),
        (b"phish.example evil.example\n", "is no domain"),
        (b"-phish.example\n", "is no domain"),
        (b"<html>\n<body>Not found</body>\n", "line 1: '<html>' is no domain"),
        (b"a." * 200 + b"example\n", "line 1: "),
        (b"ok.example\n\xff\xfe\n", "line 2: not UTF-8"),
        (b"x" * 1_000_001, "more than 1,000,000"),
        (b"".join(b"d%d.example\n" % i for i in range(1001)), "holds 1,001 domains, the list takes 1,000"),
    ],
)
def test_a_broken_feed_is_refused_whole_with_its_line(data: bytes, reason: str):
    from feed import FeedError, parse

    with pytest.raises(FeedError, match=re.escape(reason)):
        parse(data, OWN, 1000)


def test_a_good_feed_is_read_with_comments_capitals_and_repeats():
    from feed import parse

    data = b"# head\n\nPhish.Example.  # why\nphish.example\r\nxn--e1awd7f.example\n a_b.example \n"
    assert parse(data, OWN, 10) == ["a_b.example", "phish.example", "xn--e1awd7f.example"]


@pytest.mark.parametrize(
    ("own", "blocked"),
    [
        ("Example.com", "example.com"),
        ("example.com.", "www.example.com"),
        ("EXAMPLE.COM.", "example.com"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("B\u00dcCHER.example", "shop.xn--bcher-kva.example"),
        ("stra\u00dfe.example", "xn--strae-oqa.example"),
        ("a.b.shop.example", "shop.example"),
    ],
)
def test_our_own_domain_is_protected_however_it_is_written(
    own: str, blocked: str, tmp_path: Path, run: Callable[..., Done]
):
    done = run("blocklist", written(tmp_path, "phish.example", blocked), "--own", own)
    assert done.returncode == 1 and f"line 2: {blocked} would block" in done.stderr, done


@pytest.mark.parametrize(
    "own",
    [
        "https://example.com",
        "example.com/",
        "example.com:443",
        "*.example.com",
        "",
        "example",
        "198.51.100.7",
        "a b.example",
        "@example.com",
    ],
)
def test_what_would_protect_nothing_is_refused(own: str, tmp_path: Path, run: Callable[..., Done]):
    done = run("blocklist", written(tmp_path, "phish.example"), "--own", own)
    assert done.returncode == 1 and "would protect nothing: write it like example.com" in done.stderr, done


# The feed's server


class Packed(httpx.AsyncByteStream):
    """An answer that says how much of it was read; None never comes."""

    def __init__(self, *parts: bytes | None) -> None:
        self.parts, self.read = parts, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            if part is None:
                await asyncio.Event().wait()
            self.read += len(part)
            yield part


def feed_server(monkeypatch: pytest.MonkeyPatch, body: Packed, **headers: str) -> list[httpx.Request]:
    """Let https requests of the example end here."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, headers=headers, stream=body)

    importlib.import_module("blocklist")  # and the SDK, which makes classes of httpx's own
    made = partial(httpx.AsyncClient, transport=httpx.MockTransport(answer))
    monkeypatch.setattr(httpx, "AsyncClient", made)
    return asked


@pytest.mark.parametrize("coding", ["gzip, gzip", "gzip", "br", "zstd", "deflate"])
def test_a_packed_feed_is_refused_before_it_is_unpacked(
    coding: str, monkeypatch: pytest.MonkeyPatch, run: Callable[..., Done]
):
    bomb = Packed(gzip.compress(gzip.compress(b"0" * 20_000_000)))
    asked = feed_server(monkeypatch, bomb, **{"Content-Encoding": coding})
    done = run("blocklist", "https://feed.example/", "--own", "example.com")
    assert done.returncode == 1 and f"packed it, as {coding!r}" in done.stderr, done
    assert bomb.read == 0 and asked[0].headers["accept-encoding"] == "identity"


def test_no_more_of_a_feed_is_read_than_it_may_have(monkeypatch: pytest.MonkeyPatch, run: Callable[..., Done]):
    endless = Packed(*[b"x" * 65_536] * 100)
    feed_server(monkeypatch, endless)
    done = run("blocklist", "https://feed.example/", "--own", "example.com")
    assert done.returncode == 1 and "more than 1,000,000" in done.stderr, done
    assert endless.read < 1_000_000 + 2 * 65_536


def test_a_server_that_never_comes_to_an_end_is_left(monkeypatch: pytest.MonkeyPatch, run: Callable[..., Done]):
    feed_server(monkeypatch, Packed(b"phish.exa", None))
    monkeypatch.setattr("blocklist.FEED_DEADLINE_S", 0)
    done = run("blocklist", "https://feed.example/", "--own", "example.com")
    assert done.returncode == 2 and done.stderr.startswith("TimeoutError: ")


def test_a_plain_feed_is_read_from_its_server(monkeypatch: pytest.MonkeyPatch, run: Callable[..., Done]):
    feed_server(monkeypatch, Packed(b"phish.exa", b"mple\n"))
    done = run("blocklist", "https://feed.example/", "--own", "example.com")
    assert (done.returncode, done.stdout) == (0, "1 domains, nothing refused\n")


# The list


def test_without_apply_nothing_changes_and_the_difference_is_shown(
    api: Lists, tmp_path: Path, sync: Callable[..., Done]
):
    api.values = ["gone.example", "phish.example"]
    done = sync(written(tmp_path, "new.example", "phish.example"))
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["+ new.example", "- gone.example", "1 to add, 1 to remove, 2 wanted"]
    assert api.values == ["gone.example", "phish.example"] and not any(c.startswith("PATCH") for c in api.calls)


@pytest.mark.parametrize("value", ["\x1b[2Jgone.example", "gone.example\n+ new.example", "\u202egone.example"])
def test_no_value_of_the_list_commands_the_terminal(api: Lists, tmp_path: Path, sync: Callable[..., Done], value: str):
    api.values = [value]
    done = sync(written(tmp_path, "new.example"), "--apply")
    assert (done.returncode, done.stdout) == (2, "") and "this is no list of domains" in done.stderr
    assert api.values == [value]


def test_applied_twice_the_second_run_changes_nothing(api: Lists, tmp_path: Path, sync: Callable[..., Done]):
    api.values = ["gone.example"]
    feed = written(tmp_path, *(f"d{i}.example" for i in range(120)))
    assert sync(feed, "--apply").returncode == 0
    assert sorted(api.values) == sorted(f"d{i}.example" for i in range(120))
    api.calls.clear()
    again = sync(feed, "--apply")
    assert again.stdout == "0 to add, 0 to remove, 120 wanted\n"
    assert api.calls and not any(c.startswith("PATCH") for c in api.calls)


def test_what_is_new_is_blocked_before_anything_is_opened(api: Lists, tmp_path: Path, sync: Callable[..., Done]):
    api.values = ["gone.example"]
    sync(written(tmp_path, "new.example"), "--apply")
    assert [c for c in api.calls if c.startswith("PATCH")] == ["PATCH /", "PATCH /"]
    assert api.values == ["new.example"]


@pytest.mark.parametrize(("before", "swapped"), [(1000, 200), (1000, 1000), (990, 200), (700, 600), (0, 0)])
def test_a_list_at_its_limit_takes_a_swap(
    api: Lists, tmp_path: Path, sync: Callable[..., Done], before: int, swapped: int
):
    api.values = [f"d{i}.example" for i in range(before)]
    wanted = {f"d{i}.example" for i in range(swapped, before)} | {f"n{i}.example" for i in range(swapped or 1000)}
    done = sync(written(tmp_path, *sorted(wanted)), "--apply", "--allow-shrink")
    assert done.returncode == 0, done
    assert set(api.values) == wanted and api.longest <= 1000


def test_a_list_that_is_longer_than_its_limit_gives_up_first_what_the_feed_no_longer_names(
    api: Lists, tmp_path: Path, sync: Callable[..., Done]
):
    api.values = [f"d{i}.example" for i in range(20)]
    done = sync(
        written(tmp_path, *(f"d{i}.example" for i in range(4, 20)), "new.example"), "--apply", "--entries", "17"
    )
    assert done.returncode == 0, "four go, so that one may come"
    assert sorted(api.values) == sorted([*(f"d{i}.example" for i in range(4, 20)), "new.example"])


def test_a_run_that_stops_halfway_blocks_what_is_new_and_is_finished_by_the_next(
    api: Lists, tmp_path: Path, sync: Callable[..., Done]
):
    api.values, api.fail_patch = ["gone.example"], 2
    feed = written(tmp_path, "new.example")
    assert sync(feed, "--apply").returncode == 2
    assert api.values == ["gone.example", "new.example"]
    api.fail_patch = 0
    assert sync(feed, "--apply").stdout.splitlines() == ["- gone.example", "0 to add, 1 to remove, 1 wanted", "applied"]
    assert api.values == ["new.example"]


@pytest.mark.parametrize(
    ("fail", "token", "said"),
    [
        ([403], "token", "the API answered 403"),
        ([], "stolen", "the API answered 401"),
        ([500, 500, 500], "token", "the API answered 500"),
        ([429, 429, 429], "token", "the API answered 429"),
    ],
)
def test_an_api_that_refuses_ends_the_run_in_one_sentence(
    api: Lists, tmp_path: Path, fail: list[int], token: str, said: str, sync: Callable[..., Done]
):
    api.values, api.fail = ["gone.example"], fail
    done = sync(written(tmp_path, "new.example"), "--apply", token=token)
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1
    assert api.values == ["gone.example"]
    assert token not in done.stderr + done.stdout or token == "token"


def test_a_passing_fault_is_tried_again_by_the_sdk(api: Lists, tmp_path: Path, sync: Callable[..., Done]):
    api.fail = [503, 0]
    assert sync(written(tmp_path, "new.example"), "--apply").returncode == 0
    assert api.values == ["new.example"]


def test_an_api_that_is_away_is_said_so(tmp_path: Path, run: Callable[..., Done]):
    env = {"CLOUDFLARE_API_TOKEN": "token", "CLOUDFLARE_BASE_URL": "http://127.0.0.1:9", "NO_PROXY": "*"}
    feed = written(tmp_path, "new.example")
    done = run("blocklist", feed, "--own", "example.com", "--list", "list-1", "--account", "acc", **env)
    assert done.returncode == 2 and "APIConnectionError" in done.stderr


def test_a_feed_that_lost_most_of_its_domains_is_refused_until_told(
    api: Lists, tmp_path: Path, sync: Callable[..., Done]
):
    api.values = [f"d{i}.example" for i in range(40)]
    feed = written(tmp_path, "d1.example", "new.example")
    done = sync(feed, "--apply")
    assert done.returncode == 1 and "lost 39 of 40 domains at once" in done.stderr
    assert len(api.values) == 40
    assert sync(feed, "--apply", "--allow-shrink").returncode == 0
    assert sorted(api.values) == ["d1.example", "new.example"]


def test_a_broken_feed_reaches_neither_list_nor_api(api: Lists, tmp_path: Path, sync: Callable[..., Done]):
    api.values = ["phish.example"]
    done = sync(written(tmp_path, "new.example", "co.uk"), "--apply")
    assert (
        done.returncode == 1
        and done.stderr == "refused: line 2: co.uk is a public suffix: it would block everybody under it\n"
    )
    assert api.calls == []


@pytest.mark.parametrize(
    ("feed", "says"),
    [
        ("https://[x", "this is no address: write it like https://example.com"),
        ("https://feed.example/a\n", "this is no address: write it like https://example.com"),
        ("https://xn--ls8h.invalid/", "httpx cannot read this address: write it like https://example.com"),
        ("http://192.0.2.1/feed", "http://192.0.2.1 is not encrypted: use https://"),
    ],
)
def test_what_is_no_address_of_a_feed_is_said_in_one_line(run: Callable[..., Done], feed: str, says: str):
    with pytest.raises(SystemExit, match=f"^{re.escape(says)}$"):
        run("blocklist", feed, "--own", "example.com")


def test_a_list_without_its_account_is_asked_for(run: Callable[..., Done], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        run("blocklist", EXAMPLE / "feed.txt", "--own", "example.com", "--list", "list", CLOUDFLARE_API_TOKEN="token")
    assert "error: --list goes with --account" in capsys.readouterr().err


def test_a_missing_feed_is_said_so(tmp_path: Path, run: Callable[..., Done]):
    done = run("blocklist", tmp_path / "gone.txt", "--own", "example.com")
    assert done.returncode == 2 and "FileNotFoundError" in done.stderr


# The proxy file


GATEWAY = "HTTPS 0000000000.proxy.cloudflare-gateway.com:443"
PAC_CASES = {
    "https://news.example/": GATEWAY,
    "http://printer/": "DIRECT",
    "https://wiki.internal.example.com/": "DIRECT",
    "http://10.1.2.3/": "DIRECT",
    "http://127.0.0.1/": "DIRECT",
    "https://198.51.100.7/": GATEWAY,
    "https://[2606:4700:4700::1111]/": GATEWAY,
    "https://10.1.2.3.evil.example/": GATEWAY,
    # The sign-in of this team goes by itself, and nobody else's.
    "https://your-team.cloudflareaccess.com/": "DIRECT",
    "https://login.example.com/": "DIRECT",
    "https://assets.login.example.com/": "DIRECT",
    "https://other-team.cloudflareaccess.com/": GATEWAY,
    "https://cloudflareaccess.com.evil.example/": GATEWAY,
    "https://login.example.com.evil.example/": GATEWAY,
    "https://evil-login.example.com/": GATEWAY,
}
# In a browser, each of the functions that look a name up waits for DNS.
PAC_RUNTIME = """
let lookups = [];
const number = (ip) => ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
const isPlainHostName = (host) => !host.includes(".");
const dnsDomainIs = (host, domain) => host.endsWith(domain);
const dnsResolve = (host) => (/^[\\d.]+$/.test(host) || lookups.push(host), host);
const isInNet = (host, net, mask) => (number(dnsResolve(host)) & number(mask)) === (number(net) & number(mask));
const isResolvable = dnsResolve;
"""


@pytest.mark.parametrize("brackets", [True, False], ids=["as Chrome calls it", "as Firefox calls it"])
def test_the_proxy_file_sends_the_web_through_gateway_never_around_it_and_asks_no_dns(brackets: bool):
    urls = json.dumps(list(PAC_CASES))
    host = "new URL(url).hostname" + ("" if brackets else r".replace(/[\[\]]/g, '')")
    script = (
        f"{PAC_RUNTIME}{(EXAMPLE / 'proxy.pac').read_text()}\n"
        f"const answers = {urls}.map((url) => FindProxyForURL(url, {host}));"
        "console.log(JSON.stringify([answers, lookups]));"
    )
    done = subprocess.run([toolchain.node(), "-e", script], capture_output=True, text=True, check=True)
    answers, lookups = json.loads(done.stdout)
    assert dict(zip(PAC_CASES, answers, strict=True)) == PAC_CASES
    assert lookups == [], "each of these waits for DNS"
    assert "; DIRECT" not in (EXAMPLE / "proxy.pac").read_text(), "a way around Gateway when it is away"


# Terraform


def test_every_exception_from_inspection_has_reason_owner_and_review_date():
    text = (TERRAFORM / "lists.tf").read_text()
    items = re.findall(r'value += "[^"]+"\n +description = "([^"]+)"', text)
    assert len(items) >= 3
    for description in items:
        assert re.fullmatch(r".+\. Owner: .+\. Review: \d{4}-\d\d", description), description


def test_terraform_covers_what_the_page_promises():
    assert {
        "cloudflare_zero_trust_gateway_policy",
        "cloudflare_zero_trust_list",
        "cloudflare_zero_trust_gateway_settings",
        "cloudflare_zero_trust_device_posture_rule",
        "cloudflare_zero_trust_gateway_proxy_endpoint",
        "cloudflare_zero_trust_dns_location",
    } == set(resources(TERRAFORM))
    text = (TERRAFORM / "devices.tf").read_text()
    assert "default     = false" in text and "tls_decrypt        = { enabled = var.decrypt }" in text
