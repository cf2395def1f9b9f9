"""A locked origin over real TLS, the same as nginx, and a script that sets up a zone and can be stopped at any point."""

import copy
import importlib
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from cryptography.hazmat.primitives import serialization

from model.facts import load as facts
from runtime.workers import SNIPPETS
from tests.snippets.proxy_website.rules_language import Rule
from tests.snippets.proxy_website.zone_api import Zone, zone_api
from tests.support.patience import PATIENCE_S, until
from tools.terraform.__main__ import blocks, resources

EXAMPLE = SNIPPETS / "proxy-website"
WANTED = (EXAMPLE / "zone.yml").read_text(encoding="utf-8")
LOCAL = [ip_network("127.0.0.1/32")]
SPOOFED = {"CF-Connecting-IP": "203.0.113.50", "X-Forwarded-For": "198.51.100.1", "True-Client-IP": "198.51.100.2"}


@pytest.fixture(scope="module", autouse=True)
def modules() -> Iterator[None]:
    """The example's own modules, which import each other by plain names as a reader's do."""
    folders = [str(EXAMPLE), str(EXAMPLE / "origin")]
    sys.path[:0] = folders
    yield
    for folder in folders:
        sys.path.remove(folder)
    for name in (
        "plan",
        "setup_zone",
        "wanted",
        "visitor",
        "app",
        "refresh_ranges",
        "try_origin",
        "address",
        "api",
        "careful",
        "once",
    ):
        sys.modules.pop(name, None)


@dataclass
class World:
    """Certificates of four authorities, and who shows them."""

    folder: Path
    public: Path
    own: Path
    shared: Path
    callers: dict[str, Path | None]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, modules: None) -> World:
    from try_origin import Authority

    folder = tmp_path_factory.mktemp("tls")
    public, own, shared, foreign = (Authority(name, folder) for name in ("public", "own", "shared", "foreign"))
    public.issue("server")
    callers = {
        "none": None,
        "foreign": foreign.issue("somebody"),
        "shared": shared.issue("another"),
        "own": own.issue("our-zone"),
    }
    return World(folder, public.file, own.file, shared.file, callers)


@contextmanager
def origin(world: World, trusted: list[Any] = LOCAL, observe: bool = False) -> Iterator[int]:
    import app

    tls = app.context(world.folder, world.own, world.shared if observe else None)
    server = app.server(app.application(trusted, "own"), tls, 0)
    server.config.log_level = "error"
    server.config.configure_logging()
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started, what="the origin starts")
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def call(
    world: World, port: int, who: str, headers: dict[str, str] | list[tuple[str, str]] | None = None
) -> httpx.Response | None:
    """Return the answer, or None when the handshake was refused."""
    from try_origin import client

    with client(world.public, world.callers[who]) as caller:
        caller.headers.clear()
        try:
            return caller.get(f"https://localhost:{port}/", headers=headers)
        except httpx.TransportError:
            return None


# The lock


def test_only_a_certificate_of_the_own_authority_gets_in(world: World):
    with origin(world) as port:
        answers = {who: call(world, port, who) for who in world.callers}
    assert [who for who, answer in answers.items() if answer is not None] == ["own"]
    assert answers["own"].json()["proof"] == "own"


def test_plain_http_is_refused(world: World):
    with origin(world) as port, pytest.raises(httpx.TransportError):
        httpx.get(f"http://localhost:{port}/")


def test_before_the_lock_the_origin_tells_the_callers_apart(world: World):
    with origin(world, observe=True) as port:
        answers = {who: call(world, port, who) for who in world.callers}
    assert answers["foreign"] is None
    assert {who: a.json()["proof"] for who, a in answers.items() if a is not None} == {
        "none": "none",
        "shared": "shared",
        "own": "own",
    }


# The visitor's address


def test_behind_the_lock_the_visitors_address_is_restored(world: World):
    with origin(world) as port:
        assert call(world, port, "own", SPOOFED).json()["visitor"] == "203.0.113.50"


def test_who_only_says_so_is_not_believed(world: World):
    with origin(world, observe=True) as port:
        assert call(world, port, "none", SPOOFED).json()["visitor"] == "127.0.0.1"
        assert call(world, port, "shared", SPOOFED).json()["visitor"] == "127.0.0.1"
    from visitor import load

    with origin(world, trusted=load()) as port:
        assert call(world, port, "own", SPOOFED).json()["visitor"] == "127.0.0.1", (
            "the peer is none of Cloudflare's addresses"
        )


@pytest.mark.parametrize(
    ("headers", "seen"),
    [
        ([("CF-Connecting-IP", "2001:db8::7")], "2001:db8::7"),
        ([("CF-Connecting-IP", "not an address")], "127.0.0.1"),
        ([("CF-Connecting-IP", "203.0.113.5, 198.51.100.1")], "127.0.0.1"),
        ([("CF-Connecting-IP", "203.0.113.5"), ("CF-Connecting-IP", "198.51.100.1")], "127.0.0.1"),
        ([("X-Forwarded-For", "203.0.113.5")], "127.0.0.1"),
        ([], "127.0.0.1"),
        ([("CF-Connecting-IP", "::ffff:203.0.113.5")], "203.0.113.5"),
        ([("CF-Connecting-IP", '2001:db8::7%"}')], "127.0.0.1"),
    ],
)
def test_only_one_well_formed_header_counts(world: World, headers: list[tuple[str, str]], seen: str):
    with origin(world) as port:
        assert call(world, port, "own", headers).json()["visitor"] == seen


@pytest.mark.parametrize(
    ("peer", "seen"),
    [
        ("173.245.48.7", "203.0.113.50"),
        ("::ffff:173.245.48.7", "203.0.113.50"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("2400:cb00::7", "203.0.113.50"),
        ("::173.245.48.7", "::adf5:3007"),
        ("fe80::7%eth0", "unknown"),
        ("2400:cb00::7%x", "unknown"),
        ("", "unknown"),
        ("testclient", "unknown"),
    ],
)
def test_the_peer_has_one_form_and_a_unix_socket_is_nobody(peer: str, seen: str):
    from visitor import load, visitor

    assert visitor(peer, [(b"cf-connecting-ip", b"203.0.113.50")], load()) == seen


def test_the_list_of_ranges_is_cloudflares_and_the_same_for_nginx():
    from refresh_ranges import checked
    from visitor import load

    ranges = [str(r) for r in load()]
    assert checked(ranges) == ranges and len(ranges) >= 20
    assert re.findall(r"set_real_ip_from (\S+);", (EXAMPLE / "nginx/real_ip.conf").read_text()) == ranges


@pytest.mark.parametrize(
    "ranges",
    [[], ["104.16.0.0/13"], ["0.0.0.0/0"], ["10.0.0.0/8"], ["1.2.3.4/33"]],
    ids=["empty", "no IPv6", "everybody", "private", "broken"],
)
def test_a_doubtful_list_of_ranges_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ranges: list[str], capsys: Any
):
    import refresh_ranges

    good = [line for line in (EXAMPLE / "origin/ranges.txt").read_text().splitlines() if not line.startswith("#")]
    with zone_api() as zone:
        zone.ips = {
            "ipv4_cidrs": [*[g for g in good if ":" not in g], *ranges]
            if ranges[1:] or (ranges and "/13" not in ranges[0])
            else ranges,
            "ipv6_cidrs": [g for g in good if ":" in g] if ranges and "/13" not in ranges[0] else [],
        }
        monkeypatch.setenv("CLOUDFLARE_BASE_URL", zone.url)
        monkeypatch.setenv("NO_PROXY", "*")
        folders = [tmp_path / name for name in ("origin", "nginx")]
        for folder in folders:
            folder.mkdir()
        assert refresh_ranges.main(tmp_path) == 1
        assert [list(folder.iterdir()) for folder in folders] == [
            [],
            [],
        ] and "the old list stays" in capsys.readouterr().err
        zone.ips = {"ipv4_cidrs": [g for g in good if ":" not in g], "ipv6_cidrs": [g for g in good if ":" in g]}
        assert refresh_ranges.main(tmp_path) == 0
    assert (tmp_path / "origin/ranges.txt").read_text().splitlines()[1:] == good
    assert (tmp_path / "nginx/real_ip.conf").read_text().count("set_real_ip_from") == len(good)


@pytest.mark.parametrize(
    "hostile",
    [
        "2606:4700::%0;\nset_real_ip_from 0.0.0.0\\0;\nreturn 200 owned;#/32",
        "2606:4700::%x/32",
        " 104.16.0.0/13",
        "104.16.0.0/13\n",
        "104.16.0.0/13;",
        1745879040,
        None,
        ["104.16.0.0/13"],
    ],
)
def test_a_range_that_carries_something_else_writes_nothing_into_the_files(hostile: Any):
    from refresh_ranges import checked
    from visitor import load

    good = [str(network) for network in load()]
    assert checked([*good, "104.16.0.0/255.248.0.0", "2606:4700:0::/32"])[-2:] == ["104.16.0.0/13", "2606:4700::/32"]
    with pytest.raises(ValueError, match=r"no range|does not appear to be"):
        checked([*good, hostile])


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ([f"104.{n}.0.0/24" for n in range(79)], "101 ranges cannot be"),
        ([f"{n}.0.0.0/12" for n in range(20, 24)], "IPv4 addresses are too many"),
        *[
            ([hidden], f"{hidden} cannot be one of Cloudflare's ranges")
            for hidden in (
                "192.160.0.0/12",
                "198.16.0.0/12",
                "172.16.0.0/12",
                "172.24.0.0/13",
                "100.64.0.0/16",
                "169.254.0.0/16",
                "192.0.2.0/24",
                "192.0.0.0/16",
                "203.0.112.0/22",
                "224.0.0.0/12",
                "240.0.0.0/12",
                "255.255.255.255/32",
                "0.0.0.0/12",
                "::/29",
                "64:ff9b::/96",
                "64:ff9b:1::/48",
                "fc00::/29",
                "fe80::/64",
                "ff00::/29",
                "4000::/29",
                "2001::/32",
                "2001:db8::/32",
                "2001:db0::/28",
                "2002::/29",
                "3fff::/29",
            )
        ],
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_no_range_is_trusted_that_holds_anything_but_public_addresses(more: list[str], says: str):
    from refresh_ranges import checked
    from visitor import load

    good = [str(network) for network in load()]
    with pytest.raises(ValueError, match=re.escape(says)):
        checked([*good, *more])


def test_the_list_may_grow_but_not_over_all_bounds():
    from refresh_ranges import checked
    from visitor import load

    good = [str(network) for network in load()]
    grown = [*good, *[f"2606:4700:{n:x}::/48" for n in range(1, 101 - len(good))]]
    assert checked(grown) == grown
    twice = ["104.16.0.0/13"] * 10  # the same addresses count once
    assert checked([*good, *twice]) == [*good, *twice]


@pytest.mark.parametrize("answer", [7, "104.16.0.0/13", {"104.16.0.0/13": 1}, [["104.16.0.0/13"]]])
def test_an_answer_of_another_shape_ends_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, answer: Any
):
    import refresh_ranges

    with zone_api() as zone:
        zone.ips = {"ipv4_cidrs": answer, "ipv6_cidrs": answer}
        monkeypatch.setenv("CLOUDFLARE_BASE_URL", zone.url)
        monkeypatch.setenv("NO_PROXY", "*")
        assert refresh_ranges.main(tmp_path) == 1
    said = capsys.readouterr().err
    assert said.endswith("the old list stays\n") and len(said.splitlines()) == 1


@pytest.mark.parametrize("blocked", ["origin/ranges.txt.part", "nginx/real_ip.conf.part", "nginx/real_ip.conf"])
def test_what_cannot_be_written_is_said_and_no_file_is_replaced_before_both_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, blocked: str
):
    import refresh_ranges

    good = [line for line in (EXAMPLE / "origin/ranges.txt").read_text().splitlines() if not line.startswith("#")]
    (tmp_path / blocked).mkdir(parents=True)
    for folder in ("origin", "nginx"):
        (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / "origin/ranges.txt").write_text("old")
    with zone_api() as zone:
        zone.ips = {"ipv4_cidrs": [g for g in good if ":" not in g], "ipv6_cidrs": [g for g in good if ":" in g]}
        monkeypatch.setenv("CLOUDFLARE_BASE_URL", zone.url)
        monkeypatch.setenv("NO_PROXY", "*")
        assert refresh_ranges.main(tmp_path) == 1
    said = capsys.readouterr().err
    assert said.endswith(": run this again before you reload\n") and len(said.splitlines()) == 1
    assert not blocked.endswith(".part") or (tmp_path / "origin/ranges.txt").read_text() == "old"


# nginx


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif(
    shutil.which("nginx") is None, reason="nginx is not installed; its file is still read by the test below"
)
def test_real_nginx_takes_the_file_and_enforces_it(world: World, tmp_path: Path):
    for name in ("server.pem", "server.key", "own-ca.pem"):
        shutil.copy(world.folder / name, tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    site = (EXAMPLE / "nginx/site.conf").read_text().replace("listen 443", f"listen 127.0.0.1:{port}")
    (tmp_path / "site.conf").write_text(site)
    # The peer of this test is 127.0.0.1: it plays one of Cloudflare's addresses, besides the real list.
    (tmp_path / "real_ip.conf").write_text(
        (EXAMPLE / "nginx/real_ip.conf").read_text() + "set_real_ip_from 127.0.0.1;\n"
    )
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/pid; error_log stderr; worker_processes 1; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p; fastcgi_temp_path {tmp_path}/f;"
        f" uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s; include site.conf; }}\n"
    )
    command = ["nginx", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"), "-e", "stderr"]
    accepted = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert accepted.returncode == 0, accepted.stderr
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        until(lambda: listens(port), what="nginx starts")
        answers = {who: call(world, port, who, SPOOFED) for who in world.callers}
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
    assert answers["own"].text == "visitor 203.0.113.50\n"
    # nginx finishes the handshake and refuses with status 400.
    assert {who: a.status_code for who, a in answers.items() if a is not None and who != "own"} == {
        "none": 400,
        "foreign": 400,
        "shared": 400,
    }


def test_the_nginx_file_demands_the_certificate_and_believes_one_header():
    text = (EXAMPLE / "nginx/site.conf").read_text()
    assert re.search(r"^\s*ssl_verify_client\s+on;", text, re.M)
    assert re.search(r"^\s*ssl_client_certificate own-ca\.pem;", text, re.M)
    assert re.search(r"^\s*real_ip_header\s+CF-Connecting-IP;", text, re.M) and "X-Forwarded-For" not in text


@pytest.mark.parametrize(
    ("folder", "own_ca", "says"),
    [
        (".", "gone.pem", "gone.pem"),
        (".", "server.key", "server.key"),
        (".", "nameless.pem", "nameless.pem"),
        ("gone", "own-ca.pem", "gone"),
    ],
)
def test_a_certificate_that_the_origin_cannot_use_is_named_in_one_line(
    world: World, monkeypatch: pytest.MonkeyPatch, folder: str, own_ca: str, says: str
):
    """A name is what tells your own authority from another one."""
    from cryptography import x509

    import app
    from try_origin import Authority

    authority = Authority("nameless", world.folder)
    authority.name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Example")])
    unnamed = authority._sign(authority.name, authority.key, ca=True)
    (world.folder / "nameless.pem").write_bytes(unnamed.public_bytes(serialization.Encoding.PEM))
    files = ["--folder", str(world.folder / folder), "--own-ca", str(world.folder / own_ca)]
    monkeypatch.setattr(sys, "argv", ["app.py", *files])
    with pytest.raises(SystemExit, match=rf"{re.escape(says)}") as end:
        app.main()
    assert len(str(end.value).splitlines()) == 1


# Setting up the zone


@dataclass
class Done:
    """How a run of the script ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def zone() -> Iterator[Zone]:
    with zone_api() as started:
        yield started


@pytest.fixture
def setup(
    zone: Zone,
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., Done]:
    def run(answer: str | None = "yes", token: str = "token", wanted: str | bytes | None = None) -> Done:
        monkeypatch.setenv("CLOUDFLARE_API_TOKEN", token)
        monkeypatch.setenv("CLOUDFLARE_BASE_URL", zone.url)
        monkeypatch.setenv("NO_PROXY", "*")
        files = ["--certificate", str(world.folder / "our-zone.pem"), "--key", str(world.folder / "our-zone.key")]
        module = importlib.import_module("setup_zone")
        if wanted is not None:
            (tmp_path / "zone.yml").write_bytes(wanted if isinstance(wanted, bytes) else wanted.encode())
            monkeypatch.setattr(module, "WANTED", tmp_path / "zone.yml")

        def ask(question: str) -> str:
            if answer is None:
                raise EOFError
            return answer

        code = module.main(["z", *files], ask)
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return run


def state(zone: Zone) -> Any:
    return copy.deepcopy((zone.settings, zone.records, zone.rules, zone.certificates, zone.lock))


def test_the_plan_is_shown_and_without_a_yes_nothing_changes(zone: Zone, setup: Callable[..., Done]):
    before = state(zone)
    done = setup("no")
    assert done.code == 1 and "9 changes" in done.out and "Nothing was changed." in done.out
    assert state(zone) == before and zone.changes == []


def test_the_zone_gets_what_the_file_says_the_lock_before_the_records(zone: Zone, setup: Callable[..., Done]):
    assert setup().code == 0
    assert zone.settings == {"ssl": "strict", "min_tls_version": "1.2"} and zone.lock and len(zone.certificates) == 1
    assert {r["name"] for r in zone.records} == {"example.com", "www.example.com"} and all(
        r["proxied"] for r in zone.records
    )
    assert set(zone.rules) == {"http_request_cache_settings", "http_request_firewall_custom", "http_ratelimit"}
    order = [c.split("/")[3] for c in zone.changes]
    assert order.index("origin_tls_client_auth") < order.index("dns_records")


SECOND = "  - { name: www.example.com, type: A, content: 192.0.2.10 }"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("ssl: strict", "ssl: strict\n  ssl: full", "zone.yml:7: 'ssl' stands here twice"),
        ("# What", b"# Geb\xfchr: what", "zone.yml:1: not UTF-8"),
        (WANTED, "", "zone.yml: give records, settings and rules, and nothing else"),
        (WANTED, "[]", "zone.yml: give records, settings and rules, and nothing else"),
        ("settings:", "setting:", "zone.yml: give records, settings and rules, and nothing else"),
        # Words that YAML takes for something else: the API would keep another value, or refuse it halfway.
        ("ssl: strict", "always_use_https: on", "settings: always_use_https takes a text, this is bool: put it into"),
        ('"1.2"', "1.2", "settings: min_tls_version takes a text, this is float: put it into quotes"),
        # The API tells lower-case names and short addresses, and each run would see a difference.
        ("name: www.", "name: WWW.", "record 2: write the whole name, in lower case and ASCII"),
        ("name: www.example.com", "name: www.example.com.", "record 2: write the whole name, in lower case"),
        ("name: www.example.com", "name: b\u00fccher.example", "record 2: write the whole name, in lower case"),
        ("name: www.example.com", "name: www", "record 2: write the whole name, in lower case and ASCII"),
        (SECOND, f"{SECOND}\n{SECOND.replace('.10', '.11')}", "a name has one record of each type here"),
        (
            SECOND,
            SECOND.replace("type: A, content: 192.0.2.10", "type: AAAA, content: 2001:DB8::1"),
            "record 2: give A",
        ),
        (SECOND, SECOND.replace("192.0.2.10", "203.0.113.300"), "record 2: give A or AAAA with an address in"),
        (SECOND, SECOND.replace("type: A,", "type: MX,"), "record 2: give A or AAAA with an address in its short form"),
        (SECOND, SECOND.replace("type: A,", "type: A, ttl: 60,"), "record 2: give name, type and content, and nothing"),
        (SECOND, "  - www.example.com", "record 2: give name, type and content, and nothing else"),
        # A rule without the mark is one of others to the next run, which would add it again.
        ("ref: site-setup-secrets", "ref: secrets", "http_request_firewall_custom: a list of rules, each with its own"),
        ("ref: site-setup-secrets", "description: x", "http_request_firewall_custom: a list of rules, each with its"),
        ("  http_ratelimit:\n", "  http_ratelimit: none\n  other:\n", "http_ratelimit: a list of rules, each with its"),
    ],
)
def test_a_plan_that_no_run_could_reach_is_refused_in_one_line(
    zone: Zone, setup: Callable[..., Done], old: str, new: str | bytes, says: str
):
    assert old in WANTED
    new = new if isinstance(new, bytes) else new.encode()
    done = setup(wanted=WANTED.encode().replace(old.encode(), new, 1))
    assert done.code == 1 and done.out == "" and len(done.err.splitlines()) == 1
    assert done.err.startswith("refused: zone.yml:") and says in done.err and zone.changes == []


def test_a_second_address_of_another_type_and_a_cname_are_planned(zone: Zone, setup: Callable[..., Done]):
    more = "  - { name: example.com, type: AAAA, content: '2001:db8::1' }\n  - { name: a.example.com, type: CNAME, content: b.example }"
    wanted = WANTED.replace(SECOND, f"{SECOND}\n{more}")
    assert "11 changes" in setup(wanted=wanted).out
    assert setup(wanted=wanted).out == "0 changes\n"


def test_no_value_of_the_zone_commands_the_terminal_or_forges_a_line_of_the_plan(
    zone: Zone, setup: Callable[..., Done]
):
    zone.settings["ssl"] = "\x1b[2J\n0 changes"
    assert setup("no").out.splitlines()[0] == r"- ssl: \x1b[2J\n0 changes -> strict"


def test_where_nobody_answers_nothing_changes(zone: Zone, setup: Callable[..., Done]):
    done = setup(None)
    assert (done.code, done.err) == (1, "refused: nobody answers, use --yes. Nothing was changed.\n")
    assert zone.changes == []


def test_a_second_run_changes_nothing(zone: Zone, setup: Callable[..., Done]):
    setup()
    zone.changes.clear()
    again = setup()
    assert (again.code, again.out) == (0, "0 changes\n") and zone.changes == []


@pytest.mark.parametrize("number", range(1, 10))
def test_a_run_that_is_stopped_at_any_change_is_finished_by_the_next(
    zone: Zone, setup: Callable[..., Done], number: int
):
    zone.fail_change = (number, 403)
    stopped = setup()
    assert stopped.code == 2 and f"the API answered 403 after {number - 1} changes" in stopped.err
    zone.fail_change = (0, 0)
    first = len(zone.changes)
    assert setup().code == 0
    assert len(zone.changes) - first == 9 - (number - 1), "what was done is not done again"
    assert len(zone.records) == 2 and len(zone.certificates) == 1


def test_rules_of_others_keep_their_place_and_content(zone: Zone, setup: Callable[..., Done]):
    other = {"id": "o", "ref": "by-hand", "version": "3", "expression": "true", "action": "log", "enabled": True}
    zone.rules["http_request_firewall_custom"] = [dict(other)]
    assert setup().code == 0
    kept = zone.rules["http_request_firewall_custom"][0]
    assert {k: kept[k] for k in ("ref", "expression", "action")} == {
        k: other[k] for k in ("ref", "expression", "action")
    }
    assert len(zone.rules["http_request_firewall_custom"]) == 2
    zone.changes.clear()
    assert setup().out == "0 changes\n"


def test_a_record_that_is_not_ours_stops_everything_and_is_named(zone: Zone, setup: Callable[..., Done]):
    zone.records = [
        {"id": "x", "name": "www.example.com", "type": "A", "content": "192.0.2.99", "proxied": False, "ttl": 300}
    ]
    done = setup()
    assert done.code == 1 and "record A www.example.com exists and is not ours" in done.err
    assert zone.changes == [] and zone.records[0]["content"] == "192.0.2.99"


@pytest.mark.parametrize("kind", ["AAAA", "CNAME"])
def test_a_record_of_another_type_for_the_same_name_stops_everything_too(
    zone: Zone, setup: Callable[..., Done], kind: str
):
    zone.records = [
        {"id": "x", "name": "www.example.com", "type": kind, "content": "elsewhere", "proxied": False, "ttl": 300}
    ]
    done = setup()
    assert done.code == 1 and f"record {kind} www.example.com stands beside the wanted A" in done.err
    assert zone.changes == []


def test_a_record_of_ours_that_drifted_is_mended_and_nothing_is_ever_deleted(zone: Zone, setup: Callable[..., Done]):
    setup()
    zone.records[0].update(proxied=False, content="192.0.2.77")
    zone.records.append(
        {"id": "mail", "name": "mail.example.com", "type": "A", "content": "192.0.2.5", "proxied": False, "ttl": 1}
    )
    zone.changes.clear()
    assert setup().code == 0
    assert zone.changes == ["PATCH /zones/z/dns_records/rec0"] and zone.records[0]["proxied"]
    assert any(r["id"] == "mail" for r in zone.records) and not any(c.startswith("DELETE") for c in zone.changes)


@pytest.mark.parametrize(("status", "token"), [(0, "wrong"), (429, "token"), (500, "token"), (503, "token")])
def test_an_api_that_refuses_ends_the_run_in_one_sentence(
    zone: Zone, setup: Callable[..., Done], status: int, token: str
):
    zone.fail_all = status
    done = setup(token=token)
    assert done.code == 2 and f"the API answered {status or 401} after 0 changes" in done.err
    assert len(done.err.splitlines()) == 1 and zone.changes == []


# Terraform


def test_the_rules_fit_the_free_plan():
    figures = facts()
    counts = {}
    for block in blocks((EXAMPLE / "terraform/rules.tf").read_text(), "rules.tf"):
        text = {name: value for name, _, value in block.attributes()}
        phase = "".join(map(str, text["phase"].scan_values(lambda t: True)))
        counts[phase.strip('"')] = sum(
            1 for _ in text["rules"].find_pred(lambda t: t.data == "object_elem" and "ref" in str(t.children[0]))
        )
    assert counts["http_request_firewall_custom"] <= figures["waf-custom-rules-free"].value
    assert counts["http_ratelimit"] <= figures["waf-rate-rules-free"].value
    assert counts["http_request_cache_settings"] <= figures["cache-rules-free"].value
    assert all(counts.values())
    assert "period              = 10\n" in (EXAMPLE / "terraform/rules.tf").read_text()


def test_signed_in_visitors_are_kept_out_of_the_cache_by_the_last_rule():
    text = (EXAMPLE / "terraform/rules.tf").read_text()
    assert text.index("public-pages") < text.index("signed-in")
    wanted = yaml.safe_load((EXAMPLE / "zone.yml").read_text())["rules"]["http_request_cache_settings"]
    assert wanted[-1]["action_parameters"] == {"cache": False} and "session=" in wanted[-1]["expression"]


def expressions(source: str) -> dict[str, str]:
    """Return the expressions of a file's rules by their ref, without the script's mark."""
    text = (EXAMPLE / source).read_text(encoding="utf-8")
    if source.endswith(".yml"):
        rules = [rule for phase in yaml.safe_load(text)["rules"].values() for rule in phase]
        return {rule["ref"].removeprefix("site-setup-"): rule["expression"] for rule in rules}
    found = re.findall(r'ref\s+= "(.+?)".*?expression\s+= (.*?)\n\s+action ', text, re.S)
    parts = {ref: re.findall(r'"((?:[^"\\]|\\.)*)"', value) for ref, value in found}
    # The first string of join() is what stands between the others.
    joined = {ref: part[0].join(part[1:]) if part[1:] else part[0] for ref, part in parts.items()}
    return {ref: value.replace('\\"', '"') for ref, value in joined.items()}


PATHS = {
    "admin-from-office": ("/admin /admin/ /ADMIN /Admin/users /admin%2Fusers /admin;x", "/ /blog/admin /adm"),
    "sign-in": ("/sign-in /sign-in/ /SIGN-IN /Sign-In/ /sign-in%2f /sign-in;x", "/ /signin /blog/sign-in"),
    "secrets": ("/.git /.git/config /.GIT/config /a/.Git/HEAD /.env /.ENV.local /a/.env", "/ /git/ /.well-known/x"),
    "signed-in": ("/account /account/ /ACCOUNT/me /Account%2Fme", "/ /blog/account"),
}


@pytest.mark.parametrize("source", ["terraform/rules.tf", "zone.yml"])
def test_no_other_spelling_of_a_path_gets_past_a_rule(source: str):
    rules = {ref.removesuffix("-in-paths"): text for ref, text in expressions(source).items()}
    assert {"sign-in", "signed-in"} <= set(rules) and len(rules) >= 3
    for ref, (caught, passed) in PATHS.items():
        if ref in rules:
            held = {
                path: Rule(
                    rules[ref], {"http.request.uri.path": path, "http.cookie": "", "ip.src": "198.51.100.9"}
                ).holds()
                for path in f"{caught} {passed}".split()
            }
            assert held == dict.fromkeys(caught.split(), True) | dict.fromkeys(passed.split(), False), ref


def test_the_office_reaches_the_admin_pages_and_a_session_is_seen_on_every_path():
    rules = expressions("terraform/rules.tf")
    office = {"http.request.uri.path": "/admin/", "ip.src": "203.0.113.7"}
    assert not Rule(rules["admin-from-office"], office).holds()
    for source in ("terraform/rules.tf", "zone.yml"):
        visitor = {"http.request.uri.path": "/blog/", "http.cookie": "a=b; __Host-session=1"}
        assert Rule(expressions(source)["signed-in"], visitor).holds()


def test_only_a_rule_that_opens_something_compares_a_path_in_one_case():
    """In all examples: what closes something meets every spelling; what opens something meets the one that is meant."""
    for path in [*SNIPPETS.rglob("*.tf"), *SNIPPETS.rglob("*.yml")]:
        if {"node_modules", ".wrangler"} & set(path.parts):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            bare = re.sub(r"lower\((?:raw\.)?http\.request\.(?:uri(?:\.path)?|full_uri)\)", "", line)
            opens = '"starts_with(http.request.uri.path, \\"/blog/\\")"' in line
            assert opens or not re.search(r"http\.request\.(?:uri|full_uri)", bare), f"{path}:{number}: use lower()"


def test_the_record_waits_for_the_lock():
    assert {
        "cloudflare_authenticated_origin_pulls_certificate",
        "cloudflare_authenticated_origin_pulls_settings",
        "cloudflare_ruleset",
        "cloudflare_zone_setting",
        "cloudflare_dns_record",
    } == set(resources(EXAMPLE / "terraform"))
    text = " ".join((EXAMPLE / "terraform/main.tf").read_text().split())
    assert "depends_on = [ cloudflare_authenticated_origin_pulls_settings.zone, cloudflare_zone_setting.ssl, ]" in text
