"""Load the cost data and refuse what is unknown, so that no bill is computed from a wrong or missing fact."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from model.costs.bill import LARGEST, SIZES, Line, Meter, Pattern, Plan, Volume
from model.costs.formula import terms
from model.costs.units import FREE_WORDS, CostError, counted, rate, singular
from model.facts import FACTS, MARKDOWN_LINK, Fact, load
from model.files import ROOT, fresh, read_yaml
from model.products import products

COSTS = ROOT / "docs" / "data" / "costs"


def read(path: Path) -> Any:
    if not path.is_file():
        raise CostError(f"{place(path)} is missing: write it, see 'Costs' in CONTRIBUTING.md")
    return read_yaml(path, place(path))


def place(path: Path) -> str:
    return f"docs/data/costs/{'patterns/' * (path.parent.name == 'patterns')}{path.name}"


def entries(kind: type, raw: Any, where: str, **ready: Any) -> Any:
    """Build one dataclass from a mapping; a wrong or missing key is refused by name."""
    try:
        return kind(**raw, **ready)
    except TypeError as error:
        raise CostError(f"{where}: {str(error).split('__init__() ')[-1]}. Add or correct the key.") from error


def find(name: Any, facts: Mapping[str, Fact], where: str) -> Fact:
    if name not in facts:
        raise CostError(f"{where}: names the unknown fact {name!r}. Add it under docs/data/facts, or correct it.")
    return facts[name]


def check_links(text: str, facts: Mapping[str, Fact], where: str) -> None:
    """Refuse a figure that says something else than its fact."""
    for match in MARKDOWN_LINK.finditer(text):
        fact = find(match["id"], facts, where)
        number = f"{fact.value:,}" if isinstance(fact.value, int | float) else fact.value
        if match["text"] not in (fact.shown, number):
            raise CostError(f"{where}: says '{match['text']}', the fact {fact.id} says '{fact.shown}'. Write that.")


def load_meters(facts: Mapping[str, Fact], path: Path = COSTS / "meters.yml") -> dict[str, Meter]:
    """Return every meter by id.

    Raises:
        CostError: an entry names an unknown product, plan or fact, or a fact that counts something else.
    """
    raw = read(path)
    plans = {}
    for name, entry in raw["plans"].items():
        where = f"{place(path)}, plan {name}"
        price = {"price": find(entry["price"], facts, where)} if "price" in entry else {}
        plans[name] = entries(Plan, {**entry, **price}, where, id=name)
    meters: dict[str, Meter] = {}
    for entry in raw["meters"]:
        where = f"{place(path)}, meter {entry.get('id', 'without id')}"
        if entry.get("product") not in products():
            raise CostError(f"{where}: unknown product {entry.get('product')!r}. Add it to docs/data/products.yml.")
        if entry.get("plan", "workers") not in plans:
            raise CostError(f"{where}: unknown plan {entry['plan']!r}. Use one of {', '.join(plans)}.")
        if entry["id"] in meters:
            raise CostError(f"{where}: stands there twice. Remove one.")
        ready = {k: find(v, facts, where) for k, v in entry.items() if k in ("included", "price", "rounds")}
        if "plan" in entry:
            words = ("unlimited", "unavailable")
            free = entry.get("free", "nothing given")
            ready |= {"plan": plans[entry["plan"]], "free": free if free in words else find(free, facts, where)}
        meter = meters[entry["id"]] = entries(Meter, {**entry, **ready}, where)
        for fact in (meter.free, meter.included, meter.price):
            if isinstance(fact, Fact) and fact.value not in FREE_WORDS and counted(fact) != singular(meter.counts):
                counts = f"counts {meter.counts}, but the fact {fact.id} counts {fact.unit!r}"
                raise CostError(f"{where}: {counts}. Take another fact.")
        rate(meter.price)
    return meters


def load_pattern(
    slug: str, facts: Mapping[str, Fact], meters: Mapping[str, Meter], folder: Path = COSTS / "patterns"
) -> Pattern:
    """Return the cost data of one pattern.

    Raises:
        CostError: something is missing or unknown; the message names file, entry and remedy.
    """
    path = folder / f"{slug}.yml"
    raw = read(path)
    volumes = {}
    for name, entry in raw.get("volumes", {}).items():
        where = f"{place(path)}, volume {name}"
        ready = {"free_max": find(entry["free_max"], facts, where)} if "free_max" in entry else {}
        volume = entries(Volume, {**entry, **ready}, where, id=name)
        if len(volume.sizes) != len(SIZES) or not all(volume.min <= n <= volume.max <= LARGEST for n in volume.sizes):
            raise CostError(f"{where}: sizes needs three whole numbers from min to max, for {', '.join(SIZES)}")
        volumes[name] = replace(volume, sizes=tuple(volume.sizes))
    lines = []
    for entry in raw.get("lines", []):
        where = f"{place(path)}, line {entry.get('meter')}"
        if entry.get("meter") not in meters:
            raise CostError(f"{where}: unknown meter. Add it to docs/data/costs/meters.yml, or correct it.")
        if any(line.meter.id == entry["meter"] for line in lines):
            raise CostError(
                f"{where}: stands there twice. Add the quantities up in one line, the included amount counts once."
            )
        try:
            parsed = terms(str(entry["quantity"]), set(volumes), facts)
        except (ValueError, SyntaxError, CostError) as error:
            raise CostError(f"{where}: quantity: {error}") from error
        lines.append(Line(meters[entry["meter"]], str(entry["quantity"]), parsed))
    unused = set(volumes) - {name for line in lines for _, names in line.terms for name in names}
    if unused:
        raise CostError(f"{place(path)}: no line uses the volume {', '.join(sorted(unused))}. Use it, or remove it.")
    rest = {k: v for k, v in raw.items() if k not in ("volumes", "lines")}
    for text in [*rest.get("assumptions", []), *rest.get("left_out", []), *(e["why"] for e in rest.get("unknown", []))]:
        check_links(text, facts, place(path))
    return entries(Pattern, rest, place(path), slug=slug, volumes=volumes, lines=lines)


@fresh(lambda: [ROOT / "docs" / "data" / "products.yml", *FACTS.glob("*.yml"), *COSTS.rglob("*.yml")])
def load_all() -> tuple[dict[str, Fact], dict[str, Meter], dict[str, Pattern]]:
    """Return the facts, the meters, and every pattern that has cost data, by slug."""
    facts = load()
    meters = load_meters(facts)
    slugs = sorted(path.stem for path in (COSTS / "patterns").glob("*.yml"))
    return facts, meters, {slug: load_pattern(slug, facts, meters) for slug in slugs}
