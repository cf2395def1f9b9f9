"""The worksheet of an enterprise: what is wrong is named with line and remedy, and no stage is entered too early."""

import subprocess
import sys
from ipaddress import IPv4Network
from itertools import combinations
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.workers import SNIPPETS
from tests.support.pages import ROOT, page
from tools.terraform.__main__ import blocks, resources

EXAMPLE = SNIPPETS / "sase-enterprise"
GOOD = (EXAMPLE / "worksheet.yml").read_text()
FAULTY = (EXAMPLE / "worksheet-faulty.yml").read_text()


@pytest.fixture(scope="module", autouse=True)
def modules():
    """The example's own modules, which import each other by plain names as a reader's do."""
    sys.path.insert(0, str(EXAMPLE))
    yield
    sys.path.remove(str(EXAMPLE))
    for name in ("inventory", "findings", "stages"):
        sys.modules.pop(name, None)


def check(tmp_path: Path, text: str) -> tuple[int, list[str]]:
    """Run the command on a worksheet and return its exit code and lines."""
    path = tmp_path / "worksheet.yml"
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, EXAMPLE / "check_inventory.py", path], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    return done.returncode, (done.stdout + done.stderr).splitlines()


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def loaded(tmp_path: Path, text: str | None):
    from inventory import load

    path = tmp_path / "worksheet.yml"
    if text is not None:
        path.write_text(text)
    return load(path)


def found(tmp_path: Path, text: str) -> list[tuple[int, str]]:
    from findings import findings

    return [(f.line, f.text) for f in findings(loaded(tmp_path, text))]


# What the command says


def test_a_worksheet_without_faults_may_start(tmp_path: Path):
    assert check(tmp_path, GOOD) == (
        0,
        ["3 sites, 5 applications, 0 findings", "Stage 1, VPN replacement: you may start."],
    )


def test_a_faulty_worksheet_is_refused_with_every_line(tmp_path: Path):
    code, lines = check(tmp_path, FAULTY)
    assert code == 1
    for part in (
        "- name: hamburg",
        "{ range: 192.168.1.0/24",
        "{ range: 10.20.128.0/17",
        "name: wiki",
        "name: erp",
        "name: backup",
        "{ address: 10.0.0.0/8",
    ):
        assert any(line.startswith(f"worksheet.yml:{line_of(FAULTY, part)}: ") for line in lines), part
    assert "2 sites, 3 applications, 8 findings" in lines
    assert "Stage 1, VPN replacement: not yet." in lines


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("people: 4000", "people: many", "worksheet.yml:4: 'people' takes int, this is str"),
        ("people: 4000\n", "", "worksheet.yml:3: add 'people'"),
        ("people: 4000", "people: 4000\npeoples: 1", "worksheet.yml:5: remove or rename peoples"),
        ("connector: wan", "connector: vpn", "'connector' is one of tunnel, mesh, wan; this is 'vpn'"),
        ("10.30.0.0/16 }", "10.30.0.1/16 }", "'10.30.0.1/16' is no network: 10.30.0.1/16 has host bits set"),
        ("10.30.0.0/16 }", "10.30.0.0/99 }", "'10.30.0.0/99' is no network"),
        ("10.30.0.0/16 }", '"fd00::/8" }', "'fd00::/8' is no network"),
        ("address: 10.20.4.10", "address: wiki.internal", "'wiki.internal' is no IPv4 address"),
        ("port: 22", 'port: "22"', "'port' takes int, this is str"),
        ("name: porto", "name: porto\n    name: faro", "'name' stands here twice"),
        ("sites:", "sites: [", "worksheet.yml:"),
        ("groups: [staff], stage: 1", "groups: staff, stage: 1", "'groups' takes list, this is str"),
        ("- name: lyon", "- lyon\n  - name: lyon", "sites: write 'name: value' pairs here"),
        ("root_certificate: test-group", "root_certificate: yes", "'root_certificate' takes str, this is bool"),
        ("done: [", "done: [7, ", "worksheet.yml:8: 'done' holds texts only"),
        ("groups: [staff]", "groups: [[staff]]", "'groups' holds texts only"),
        # Terraform gets the text itself, and Cloudflare takes one form.
        ("range: 10.30.0.0/16", "range: 10.30.0.0/255.255.0.0", "write '10.30.0.0/255.255.0.0' as 10.30.0.0/16"),
        ("address: 10.0.0.0/12", "address: 10.0.0.0", "write '10.0.0.0' as 10.0.0.0/32"),
    ],
)
def test_a_worksheet_that_cannot_be_read_is_told_file_line_and_remedy(tmp_path: Path, old: str, new: str, message: str):
    assert old in GOOD
    code, lines = check(tmp_path, GOOD.replace(old, new, 1))
    assert code == 2
    assert len(lines) == 1 and lines[0].startswith("worksheet.yml:") and message in lines[0]


def test_a_worksheet_in_another_encoding_is_told_file_and_line(tmp_path: Path):
    (tmp_path / "worksheet.yml").write_bytes("company: Exa\npeople: many # Geb\u00fchr\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"^worksheet\.yml:2: not UTF-8$"):
        loaded(tmp_path, None)


def test_aliases_that_unfold_to_gigabytes_are_told_in_one_short_line(tmp_path: Path):
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))]
    for old, new in (("done: [", "done: [*a11, "), ("groups: [staff]", "groups: [*a11]")):
        with pytest.raises(ValueError, match=r"^worksheet\.yml:\d+: '\w+' holds texts only$"):
            loaded(tmp_path, "\n".join([*lines, GOOD.replace(old, new, 1)]))


def test_the_line_of_a_nested_fault_is_the_line_of_its_entry(tmp_path: Path):
    text = GOOD.replace("port: 22", 'port: "22"')
    assert check(tmp_path, text)[1][0].startswith(f"worksheet.yml:{line_of(text, 'name: git')}: ")


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["/nowhere/worksheet.yml"]])
def test_a_wrong_call_ends_with_2_and_one_sentence(arguments: list[str]):
    done = subprocess.run(
        [sys.executable, EXAMPLE / "check_inventory.py", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and "Traceback" not in done.stderr


# Findings, one by one


@pytest.mark.parametrize(
    ("old", "new", "part", "message"),
    [
        ("range: 10.40.0.0/16", "range: 10.30.64.0/18", "10.30.64.0/18", "overlaps 10.30.0.0/16 of lyon"),
        ("range: 10.40.0.0/16", "range: 192.168.178.0/24", "192.168.178.0/24", "is what home routers use"),
        ("range: 10.40.0.0/16", "range: 203.0.112.0/24", "203.0.112.0/24", "is public"),
        ("owner: docs@example.com", 'owner: "the docs team"', "name: wiki", "wiki has no owner"),
        ("groups: [finance]", "groups: []", "name: erp", "erp lets nobody in"),
        (
            "site: lyon, address: 10.30.8.5",
            "site: paris, address: 10.30.8.5",
            "name: git",
            "is no site of this worksheet",
        ),
        ("address: 10.30.8.5", "address: 10.20.8.5", "name: git", "is in no range of lyon"),
        ("stage: 2", "stage: 5", "name: erp", "give a stage from 1 to 4"),
        ("port: 22", "port: 0", "name: git", "a port from 1 to 65535"),
        ("name: git,", "name: wiki,", "name: wiki, site: lyon", "already stands in line"),
        (
            "name: lyon\n    connector: tunnel\n    replicas: 2",
            "name: lyon\n    connector: tunnel",
            "- name: lyon",
            "run two",
        ),
        ("connector: wan", "connector: tunnel\n    replicas: 2", "name: telephony", "starts connections"),
    ],
)
def test_each_fault_is_found_where_it_stands(tmp_path: Path, old: str, new: str, part: str, message: str):
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    hits = [line for line, said in found(tmp_path, text) if message in said]
    assert hits == [line_of(text, part)]


def test_a_range_in_the_exclude_list_gets_the_exact_replacement(tmp_path: Path):
    text = (
        GOOD[: GOOD.index("split_tunnel_exclude:")]
        + "split_tunnel_exclude:\n  - { address: 10.0.0.0/8, why: default }\n"
    )
    ((_, said),) = found(tmp_path, text)
    rest = [IPv4Network(part) for part in said.split("replace it by ")[1].split(", ")]
    whole, published = (
        IPv4Network("10.0.0.0/8"),
        [IPv4Network(n) for n in ("10.20.0.0/16", "10.30.0.0/16", "10.40.0.0/16")],
    )
    assert sum(n.num_addresses for n in rest) + sum(n.num_addresses for n in published) == whole.num_addresses
    mended = text.replace(
        "  - { address: 10.0.0.0/8, why: default }\n", "".join(f"  - {{ address: {n}, why: default }}\n" for n in rest)
    )
    assert found(tmp_path, mended) == []


networks = st.builds(
    lambda bits, prefix: IPv4Network((0x0A000000 | (bits & 0xFFFFFF), prefix), strict=False),
    st.integers(0, 2**24 - 1),
    st.integers(8, 30),
)


@settings(deadline=None)
@given(networks, st.lists(networks, max_size=5))
def test_what_is_left_of_a_network_loses_no_address_and_keeps_no_hole(network: IPv4Network, holes: list[IPv4Network]):
    from findings import without

    rest = without(network, holes)
    assert all(part.subnet_of(network) for part in rest)
    assert not any(a.overlaps(b) for a, b in combinations(rest, 2))
    assert not any(part.overlaps(hole) for part in rest for hole in holes)
    if all(hole.subnet_of(network) for hole in holes) and not any(a.overlaps(b) for a, b in combinations(holes, 2)):
        assert sum(n.num_addresses for n in [*rest, *holes]) == network.num_addresses


def test_a_profile_with_too_many_entries_is_found(tmp_path: Path):
    entries = "".join(f"  - {{ address: 172.{16 + i // 256}.{i % 256}.0/24, why: x }}\n" for i in range(1001))
    text = GOOD[: GOOD.index("split_tunnel_exclude:")] + "split_tunnel_exclude:\n" + entries
    assert [said for _, said in found(tmp_path, text) if "1000 split tunnel entries" in said]


# Stages


def test_every_stage_has_entry_and_exit_criteria_and_every_computed_one_exists():
    from stages import BY_INVENTORY, load_stages

    stages = load_stages()
    assert [s.stage for s in stages] == [1, 2, 3, 4]
    criteria = [c for s in stages for c in (*s.entry, *s.exit)]
    assert all(s.entry and s.exit for s in stages)
    assert len({c.id for c in criteria}) == len(criteria)
    assert {c.inventory for c in criteria} - {""} == BY_INVENTORY.keys()


def test_a_stage_is_entered_only_when_the_one_before_it_is_left(tmp_path: Path):
    from stages import load_stages, reachable

    stages = load_stages()
    first = [c.id for c in stages[0].exit]
    done = GOOD.replace("done: [", f"done: [{', '.join(first)}, ")
    assert reachable(stages, loaded(tmp_path, GOOD))[0].stage == 1
    stage, missing = reachable(stages, loaded(tmp_path, done))
    assert stage.stage == 2 and [c.id for c in missing] == ["root-certificate"]
    ready = done.replace("root_certificate: test-group", "root_certificate: everywhere")
    assert reachable(stages, loaded(tmp_path, ready)) == (stages[1], [])
    every = [c.id for s in stages for c in s.exit]
    assert reachable(stages, loaded(tmp_path, GOOD.replace("done: [", f"done: [{', '.join(every)}, "))) == (None, [])


def test_a_tick_cannot_stand_in_for_what_the_inventory_shows(tmp_path: Path):
    from stages import load_stages, reachable

    text = GOOD.replace("identity_provider: Entra ID", "identity_provider: none").replace(
        "done: [", "done: [identity-provider, "
    )
    assert [c.id for c in reachable(load_stages(), loaded(tmp_path, text))[1]] == ["identity-provider"]


# Terraform


def test_routes_applications_and_split_tunnels_come_from_the_worksheet_and_nowhere_else():
    files = sorted((EXAMPLE / "terraform").glob("*.tf"))
    text = "\n".join(f.read_text() for f in files)
    assert 'yamldecode(file("${path.module}/../worksheet.yml"))' in text
    for network in (r["range"] for s in yaml.safe_load(GOOD)["sites"] for r in s["ranges"]):
        assert network not in text, f"{network} is typed into a .tf file"
    assert text.count("local.worksheet.split_tunnel_exclude") == 2


def test_stage_2_decrypts_only_when_told_and_lets_no_policy_share_a_place():
    policies = [
        {name: value for name, _, value in b.attributes()}
        for f in sorted((EXAMPLE / "terraform").glob("*.tf"))
        for b in blocks(f.read_text(), f.name)
        if b.labels[:1] == ("cloudflare_zero_trust_gateway_policy",)
    ]
    tokens = [
        ("".join(map(str, p["filters"].scan_values(str.__instancecheck__))) or str(p["filters"]), str(p["precedence"]))
        for p in policies
    ]
    assert len(policies) >= 5 and len(set(tokens)) == len(tokens)
    assert "tls_decrypt        = { enabled = var.decrypt }" in (EXAMPLE / "terraform/stage2.tf").read_text()
    assert "default     = false" in (EXAMPLE / "terraform/main.tf").read_text()


def test_terraform_covers_the_first_two_stages():
    used = set(resources(EXAMPLE / "terraform"))
    assert {
        "cloudflare_zero_trust_tunnel_cloudflared",
        "cloudflare_zero_trust_tunnel_cloudflared_route",
        "cloudflare_zero_trust_access_application",
        "cloudflare_zero_trust_access_policy",
        "cloudflare_zero_trust_device_default_profile",
        "cloudflare_zero_trust_device_custom_profile",
        "cloudflare_zero_trust_gateway_settings",
        "cloudflare_zero_trust_gateway_policy",
        "cloudflare_zero_trust_gateway_certificate",
        "cloudflare_zero_trust_device_posture_rule",
    } <= used


# The page


def test_every_arrow_of_both_drawings_is_named_in_the_flow():
    import re

    from model.diagrams import fences

    source = page(ROOT / "docs/patterns/sase-enterprise.md")
    drawn = [text for _, text in fences(source.section("Diagram"))]
    flow = source.section("How a request flows")
    assert len(drawn) == 2
    letters = set(re.findall(r'\|"([a-z]) ', drawn[1]))
    assert letters == set(re.findall(r"^- \*\*([a-z])\.\*\*", flow, re.M)) and len(letters) >= 6
    for text in drawn:
        arrows = re.findall(r"-\.?->", text)
        assert len(arrows) == len(re.findall(r'-\.?->\|"\w+ [^"]+"\|', text)), "an arrow without a name"


def test_the_pages_table_of_stages_says_what_the_data_says():
    from stages import load_stages

    text = page(ROOT / "docs/patterns/sase-enterprise.md").text
    for stage in load_stages():
        assert f"| {stage.stage} · {stage.name} |" in text
        for criterion in (*stage.entry, *stage.exit):
            assert criterion.text in text.replace("\n", " "), criterion.id
