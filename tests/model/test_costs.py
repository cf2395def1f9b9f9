"""What a month costs is computed from the facts: as the vendor computes it, the same in the browser, and never from a wrong name."""

import json
import math
import random
import re
import subprocess
from fractions import Fraction
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup

from hooks.blocks.costs import amount, block, calculator, plan_texts, short
from model.costs.bill import LARGEST, SIZES, Pattern, bill, model
from model.costs.data import COSTS, load_all, load_meters, load_pattern
from model.costs.formula import quantity, terms
from model.costs.units import cents, money, value
from model.costs.vendor import Example, load_examples
from model.facts import MARKDOWN_LINK
from model.files import GuideError
from runtime import toolchain
from tests.support.pages import DOCS, SLUGS
from tests.support.patience import PATIENCE_S

FACTS, METERS, PATTERNS = load_all()
EXAMPLES = load_examples(METERS)
SCRIPT = DOCS / "assets" / "costs.js"
INPUTS_PER_PATTERN = 400
every_pattern = pytest.mark.parametrize("pattern", [pytest.param(p, id=slug) for slug, p in PATTERNS.items()])


def test_every_pattern_has_cost_data_and_no_other():
    assert set(PATTERNS) == set(SLUGS)


@every_pattern
def test_every_pattern_says_what_it_assumes_and_what_it_leaves_out(pattern: Pattern):
    assert pattern.lines and pattern.assumptions and pattern.left_out
    for name, volume in pattern.volumes.items():
        assert list(volume.sizes) == sorted(volume.sizes) or "percent" in name, (
            f"{name} shrinks from {SIZES[0]} to {SIZES[2]}"
        )


# The vendor's own examples


def test_enough_vendor_examples_are_checked():
    assert len(EXAMPLES) >= 19
    assert len({line[0].product for e in EXAMPLES for line in e.lines}) >= 7


@pytest.mark.parametrize("example", [pytest.param(e, id=e.title) for e in EXAMPLES])
def test_the_vendors_example_is_reproduced_to_the_cent(example: Example):
    lines, total = example.computed()
    assert lines == [theirs for _, _, theirs in example.lines]
    assert total == example.total
    assert urlsplit(example.source).hostname == "developers.cloudflare.com"


def test_an_example_that_is_off_by_a_cent_would_be_noticed():
    first = EXAMPLES[0]
    assert first.computed()[1] != first.total + 1
    assert first.computed()[0][1] != first.lines[1][2] - 1


def test_queried_dimensions_are_counted_as_the_vendor_counts_them():
    """10,000 vectors of 384 dimensions and 100 queries are about 3.878 million queried dimensions."""
    line = next(line for line in PATTERNS["edge-ai-rag"].lines if line.meter.id == "vectorize-queried")
    volumes = {**PATTERNS["edge-ai-rag"].size(0), "chunks": 10_000, "questions": 100, "dimensions": 384}
    assert quantity(line.terms, volumes) == 3_878_400


def test_the_facts_that_hold_a_computed_example_agree():
    rag = {**PATTERNS["edge-ai-rag"].size(1), "chunks": 50_000, "questions": 200_000, "dimensions": 768}
    lines = dict(
        zip(
            (line.meter.id for line in PATTERNS["edge-ai-rag"].lines),
            bill(PATTERNS["edge-ai-rag"], rag).lines,
            strict=True,
        )
    )
    assert lines["vectorize-queried"][1] + lines["vectorize-stored"][1] == cents(value(FACTS["vectorize-example-cost"]))
    assert METERS["images-transformations"].cost(Fraction(40_000)) == cents(value(FACTS["images-example-cost"]))
    assert METERS["queues-operations"].cost(Fraction(3_000_000)) == cents(value(FACTS["queues-cost-million"]))
    stored = METERS["r2-storage"].cost(Fraction(3_000)) + METERS["r2-reads"].cost(Fraction(10_000_000))
    assert stored == cents(value(FACTS["r2-example-cost"]))


# Rules


def test_r2_rounds_up_and_workers_do_not():
    assert METERS["r2-writes"].cost(Fraction(2_000_000)) == 450
    assert METERS["r2-writes"].cost(Fraction(2_000_001)) == 900
    assert METERS["r2-storage"].cost(Fraction("11.1")) == cents(2 * value(FACTS["r2-storage-price"]))
    assert METERS["workers-requests"].cost(Fraction(10_500_000)) == 15
    assert METERS["workers-requests"].cost(Fraction(11_000_001)) == 30


def test_an_included_amount_is_used_up_before_anything_is_billed():
    for meter in METERS.values():
        assert meter.cost(meter.included_amount) == 0 == meter.cost(Fraction(0))


def test_half_a_cent_is_rounded_up():
    assert [cents(Fraction(n, 1000)) for n in (4, 5, 14, 15)] == [0, 1, 1, 2]


@pytest.mark.parametrize(("requests", "paid"), [(3_000_000, False), (3_000_001, True)])
def test_a_free_amount_of_a_day_counts_thirty_times_and_not_once_more(requests: int, paid: bool):
    pattern = PATTERNS["hyperdrive-database"]
    found = bill(pattern, {**pattern.size(0), "requests": requests, "statements": 1, "logged_percent": 0})
    assert found.plans[0][0] == paid
    assert found.total == (500 if paid else 0)
    assert found.plans[0][2] == (["Worker requests", "Database statements"] if paid else [])


@pytest.mark.parametrize(("ms", "paid"), [(10, False), (11, True)])
def test_a_request_that_needs_more_cpu_time_than_free_allows_needs_paid(ms: int, paid: bool):
    pattern = PATTERNS["global-api-kv"]
    assert bill(pattern, {**pattern.size(0), "cpu_ms": ms}).plans[0][0] == paid


@pytest.mark.parametrize(("users", "dollars"), [(0, "0.00"), (50, "0.00"), (51, "357.00"), (1000, "7,000.00")])
def test_zero_trust_is_free_for_fifty_users_and_then_all_are_counted(users: int, dollars: str):
    assert money(bill(PATTERNS["tunnel-access"], {"users": users}).total) == dollars


def test_a_platform_is_paid_from_the_first_tenant_on():
    pattern = PATTERNS["multi-tenant-platform"]
    nothing = dict.fromkeys(pattern.volumes, 0)
    assert bill(pattern, nothing).total == cents(value(FACTS["wfp-price"]))


def test_an_unknown_price_is_shown_as_unknown_and_never_as_a_sum():
    for slug in ("hybrid-origins", "sase-enterprise", "secure-egress"):
        text = block(PATTERNS[slug], FACTS)
        assert "| unknown |" in text and "Known prices together" in text, slug
    assert "Load Balancing | unknown | unknown | unknown |" in block(PATTERNS["hybrid-origins"], FACTS)


def generated(pattern: Pattern) -> list[dict[str, int]]:
    """Return inputs of every order of magnitude, the corners, and the edges of the Free and included amounts."""
    rng = random.Random(pattern.slug)
    edges = {0, 1, 2, 49, 50, 51, *(limit + d for limit in (10, 100, 10_000_000) for d in (-1, 0, 1))}
    edges |= {int(m.included_amount) + d for m in METERS.values() for d in (0, 1)}
    edges |= {int(m.free_amount) + d for m in METERS.values() if m.free_amount for d in (0, 1)}

    def number(low: int, high: int) -> int:
        near = [n for n in edges if low <= n <= high]
        return rng.choice(
            [low, high, rng.choice(near), rng.randint(low, high), min(high, max(low, int(10 ** rng.uniform(0, 15))))]
        )

    inputs = [pattern.size(i) for i in range(len(SIZES))]
    inputs += [{n: getattr(v, end) for n, v in pattern.volumes.items()} for end in ("min", "max")]
    while len(inputs) < INPUTS_PER_PATTERN:
        inputs.append({n: number(v.min, v.max) for n, v in pattern.volumes.items()})
    return inputs


@pytest.fixture(scope="module")
def browser_bills() -> dict[str, list[dict]]:
    """What the file that the browser loads computes, for all generated inputs of every pattern."""
    cases = [
        {"model": model(p), "inputs": [{n: str(v) for n, v in volumes.items()} for volumes in generated(p)]}
        for p in PATTERNS.values()
    ]
    done = subprocess.run(
        [toolchain.node(), Path(__file__).with_name("costs.mjs"), SCRIPT],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        env=toolchain.node_env(),
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(PATTERNS, json.loads(done.stdout), strict=True))


@every_pattern
def test_python_and_the_browser_compute_the_same_bill(pattern: Pattern, browser_bills: dict[str, list[dict]]):
    inputs = generated(pattern)
    assert len(browser_bills[pattern.slug]) == len(inputs) == INPUTS_PER_PATTERN
    for volumes, theirs in zip(inputs, browser_bills[pattern.slug], strict=True):
        ours = bill(pattern, volumes)
        texts = plan_texts(pattern, ours)
        assert theirs["plans"] == [[*plan, text] for plan, text in zip(ours.plans, texts, strict=True)], volumes
        assert theirs["lines"] == [[str(q), str(price), amount(q), money(price)] for q, price in ours.lines], volumes
        assert theirs["total"] == [str(ours.total), money(ours.total)], volumes


@every_pattern
def test_no_allowed_volume_gives_a_negative_quantity_and_a_total_adds_its_lines(pattern: Pattern):
    for volumes in generated(pattern):
        found = bill(pattern, volumes)
        assert all(amount >= 0 for amount, _ in found.lines), volumes
        assert found.total == sum(p for _, p, _ in found.plans) + sum(p for _, p in found.lines)


def test_the_inputs_reach_free_and_paid_and_every_line():
    for pattern in PATTERNS.values():
        bills = [bill(pattern, volumes) for volumes in generated(pattern)]
        for i, plan in enumerate(pattern.plans):
            assert {b.plans[i][0] for b in bills} == ({True, False} if plan.free else {True}), (pattern.slug, plan.name)
        for i, line in enumerate(pattern.lines):
            free = not any(line.meter.cost(Fraction(n)) for n in (LARGEST, LARGEST * LARGEST))
            assert free or any(b.lines[i][1] for b in bills), (pattern.slug, line.meter.name)


# Pages


@every_pattern
def test_the_block_shows_every_volume_line_and_price(pattern: Pattern):
    text = block(pattern, FACTS)
    for volume in pattern.volumes.values():
        assert f"| {volume.label} | {' | '.join(short(n) for n in volume.sizes)} |" in text
    for i, line in enumerate(pattern.lines):
        shown = " | ".join(money(bill(pattern, pattern.size(size)).lines[i][1]) for size in range(3))
        assert f"| {line.meter.name} | {shown} |" in text
        assert f"(fact:{line.meter.price.id})" in text
    links = list(MARKDOWN_LINK.finditer(text))
    assert len(links) >= len(pattern.lines)
    for match in links:
        fact = FACTS[match["id"]]
        assert match["text"] in (fact.shown, f"{fact.value:,}" if not isinstance(fact.value, str) else fact.value)


@every_pattern
def test_a_formula_reads_in_the_words_of_the_page(pattern: Pattern):
    rates = block(pattern, FACTS).partition("The rates behind")[2]
    plain = MARKDOWN_LINK.sub("", rates)
    assert "_" not in plain and "fact('" not in plain and "*" not in plain


@every_pattern
def test_the_form_holds_no_inline_code_or_style_and_its_data_is_the_model(pattern: Pattern):
    form = calculator(pattern)
    assert not re.search(r"\sstyle=|\son\w+=|javascript:", form)
    assert "<script" not in form
    assert json.loads(BeautifulSoup(form, "html.parser").form["data-model"]) == json.loads(json.dumps(model(pattern)))
    assert re.findall(r'<label for="([^"]+)"', form) == [f"costs-{name}" for name in pattern.volumes]


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (2_592_000, "2,592,000"), (1_500_000, "1.5 million"), (3 * 10**10, "30 billion")],
)
def test_large_round_numbers_are_short(number: int, text: str):
    assert short(number) == text


# What is wrong is refused by file, entry and remedy


def broken_meters(tmp_path: Path, meter: str, **change: object) -> Path:
    raw = yaml.safe_load((COSTS / "meters.yml").read_text())
    for entry in raw["meters"]:
        if entry["id"] == meter:
            entry.update(change)
            for key in [k for k, v in entry.items() if v is None]:
                del entry[key]
    path = tmp_path / "meters.yml"
    path.write_text(yaml.safe_dump(raw))
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"product": "kvv"}, "unknown product 'kvv'. Add it to docs/data/products.yml"),
        ({"price": "kv-read-prize"}, "names the unknown fact 'kv-read-prize'. Add it under docs/data/facts"),
        ({"free": None}, "names the unknown fact 'nothing given'"),
        ({"plan": "enterprise"}, "unknown plan 'enterprise'. Use one of "),
        (
            {"included": "kv-writes-included"},
            "counts reads, but the fact kv-writes-included counts 'million writes per month'",
        ),
        ({"price": "kv-write-price"}, "counts reads, but the fact kv-write-price"),
        ({"id": "kv-writes"}, "meter kv-writes: stands there twice"),
    ],
    ids=["product", "fact", "no Free amount", "plan", "other noun", "other price", "twice"],
)
def test_a_wrong_meter_is_refused(change: dict, message: str, tmp_path: Path):
    with pytest.raises(GuideError, match=re.escape(message)) as error:
        load_meters(FACTS, broken_meters(tmp_path, "kv-reads", **change))
    assert str(error.value).startswith("docs/data/costs/meters.yml, meter kv-")


def broken_pattern(tmp_path: Path, old: str, new: str) -> Path:
    folder = tmp_path / "patterns"
    folder.mkdir()
    text = (COSTS / "patterns" / "global-api-kv.yml").read_text()
    assert old in text, f"the data no longer holds {old!r}; mend this test"
    (folder / "global-api-kv.yml").write_text(text.replace(old, new, 1))
    return folder


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("meter: kv-reads", "meter: kv-reeds", "line kv-reeds: unknown meter. Add it to docs/data/costs/meters.yml"),
        ("meter: kv-writes", "meter: kv-reads", "line kv-reads: stands there twice. Add the quantities up"),
        ("quantity: writes }", "quantity: writs }", "line kv-writes: quantity: 'writs' is no volume of this file"),
        ("quantity: writes }", "quantity: fact('kv') }", "quantity: unknown fact 'kv'"),
        ("quantity: writes }", "quantity: fact('kv-egress-price') }", "has the text 'free' where a number is needed"),
        ("quantity: writes }", "quantity: writes ** 2 }", "'writes ** 2' is not understood: use volumes, numbers"),
        ("quantity: writes }", "quantity: writes / keys }", "'writes / keys' is not understood"),
        ("quantity: writes }", "quantity: __import__('os') }", "is not understood"),
        ("quantity: writes }", "quantity: writes / 0 }", "quantity: it divides by zero"),
        ("quantity: writes }", "quantity: 'writes *' }", "quantity: invalid syntax"),
        ("quantity: stored_mb / 1000 }", "quantity: 1 }", "no line uses the volume stored_mb. Use it, or remove it."),
        ("[10, 100, 2000]", "[10, 100]", "volume stored_mb: sizes needs three whole numbers from min to max"),
        ("[100, 10, 1]", "[101, 10, 1]", "volume logged_percent: sizes needs three"),
        ("label: Writes", "name: Writes", ":5: volumes.writes lacks label. Add it."),
        (
            "free_max: workers-cpu-free",
            "free_max: workers-cpu-fre",
            "volume cpu_ms: names the unknown fact 'workers-cpu-fre'",
        ),
        (
            "[every request]",
            "[each request]",
            "says 'each request', the fact workers-cache-billing says 'every request'. Write that.",
        ),
        ("left_out:", "left_outt:", ": left_outt is unknown here. Remove it, or write one of volumes?, lines?"),
        ("assumptions:", "assumptions: [", "not YAML"),
    ],
)
def test_wrong_cost_data_is_refused(old: str, new: str, message: str, tmp_path: Path):
    with pytest.raises(GuideError, match=re.escape(message)) as error:
        load_pattern("global-api-kv", FACTS, METERS, broken_pattern(tmp_path, old, new))
    assert str(error.value).startswith("docs/data/costs/patterns/global-api-kv.yml")


def test_a_pattern_without_cost_data_is_told_what_to_write(tmp_path: Path):
    with pytest.raises(
        GuideError, match=r"docs/data/costs/patterns/new\.yml is missing: write it, see 'Costs' in CONTRIBUTING\.md"
    ):
        load_pattern("new", FACTS, METERS, tmp_path / "patterns")


def test_a_formula_is_a_sum_of_products():
    names = {"a", "b"}
    assert terms("2 * (a + 3) * b - a / 4", names, FACTS) == (
        (Fraction(-1, 4), ("a",)),
        (Fraction(2), ("a", "b")),
        (Fraction(6), ("b",)),
    )
    assert quantity(terms("a * a - a * a + b", names, FACTS), {"a": 7, "b": 5}) == 5
    assert quantity(terms("a * fact('do-memory-billed') / 1000", names, FACTS), {"a": 1000}) == 128
    assert math.isclose(float(quantity(terms("a * fact('workers-ai-neuron-price')", names, FACTS), {"a": 1})), 0.000011)
