"""Load the cost data and refuse what is unknown, so that no bill is computed from a wrong or missing fact."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from model.costs.bill import LARGEST, SIZES, Line, Meter, Pattern, Plan, Volume
from model.costs.formula import terms
from model.costs.units import FREE_WORDS, counted, rate, singular
from model.facts import FACTS, Fact, differing, load, used
from model.files import ROOT, GuideError, fresh, read_yaml
from model.products import products

COSTS = ROOT / "docs" / "data" / "costs"


def read(path: Path) -> Any:
    if not path.is_file():
        raise GuideError(f"{place(path)} is missing: write it, see 'Costs' in CONTRIBUTING.md")
    return read_yaml(path, place(path))


def place(path: Path) -> str:
    return f"docs/data/costs/{'patterns/' * (path.parent.name == 'patterns')}{path.name}"


def find(name: Any, facts: Mapping[str, Fact], where: str) -> Fact:
    if name not in facts:
        raise GuideError(f"{where}: names the unknown fact {name!r}. Add it under docs/data/facts, or correct it.")
    return facts[name]


def check_links(text: str, facts: Mapping[str, Fact], where: str) -> None:
    """Refuse a figure that says something else than its fact."""
    for name in used(text):
        find(name, facts, where)
    for match, said in differing(text, facts):
        raise GuideError(f"{where}: says '{match['text']}', the fact {match['id']} says '{said}'. Write that.")


def load_meters(facts: Mapping[str, Fact], path: Path = COSTS / "meters.yml") -> dict[str, Meter]:
    """Return every meter by id."""
    raw = read(path)
    plans = {}
    for name, entry in raw["plans"].items():
        where = f"{place(path)}, plan {name}"
        price: dict[str, Any] = {"price": find(entry["price"], facts, where)} if "price" in entry else {}
        plans[name] = Plan(**{**entry, **price}, id=name)
    meters: dict[str, Meter] = {}
    for entry in raw["meters"]:
        where = f"{place(path)}, meter {entry['id']}"
        if entry["product"] not in products():
            raise GuideError(f"{where}: unknown product {entry['product']!r}. Add it to docs/data/products.yml.")
        if entry.get("plan", "workers") not in plans:
            raise GuideError(f"{where}: unknown plan {entry['plan']!r}. Use one of {', '.join(plans)}.")
        if entry["id"] in meters:
            raise GuideError(f"{where}: stands there twice. Remove one.")
        ready: dict[str, Any] = {
            k: find(v, facts, where) for k, v in entry.items() if k in ("included", "price", "rounds")
        }
        if "plan" in entry:
            words = ("unlimited", "unavailable")
            free = entry.get("free", "nothing given")
            ready |= {"plan": plans[entry["plan"]], "free": free if free in words else find(free, facts, where)}
        meter = meters[entry["id"]] = Meter(**{**entry, **ready})
        for fact in (meter.free, meter.included, meter.price):
            if isinstance(fact, Fact) and fact.value not in FREE_WORDS and counted(fact) != singular(meter.counts):
                counts = f"counts {meter.counts}, but the fact {fact.id} counts {fact.unit!r}"
                raise GuideError(f"{where}: {counts}. Take another fact.")
        rate(meter.price)
    return meters


def load_pattern(
    slug: str, facts: Mapping[str, Fact], meters: Mapping[str, Meter], folder: Path = COSTS / "patterns"
) -> Pattern:
    """Return the cost data of one pattern."""
    path = folder / f"{slug}.yml"
    raw = read(path)
    volumes = {}
    for name, entry in raw.get("volumes", {}).items():
        where = f"{place(path)}, volume {name}"
        ready: dict[str, Any] = {"free_max": find(entry["free_max"], facts, where)} if "free_max" in entry else {}
        volume = Volume(**{**entry, **ready}, id=name)
        if len(volume.sizes) != len(SIZES) or not all(volume.min <= n <= volume.max <= LARGEST for n in volume.sizes):
            raise GuideError(f"{where}: sizes needs three whole numbers from min to max, for {', '.join(SIZES)}")
        volumes[name] = replace(volume, sizes=tuple(volume.sizes))
    lines = []
    for entry in raw.get("lines", []):
        where = f"{place(path)}, line {entry['meter']}"
        if entry["meter"] not in meters:
            raise GuideError(f"{where}: unknown meter. Add it to docs/data/costs/meters.yml, or correct it.")
        if any(line.meter.id == entry["meter"] for line in lines):
            raise GuideError(
                f"{where}: stands there twice. Add the quantities up in one line, the included amount counts once."
            )
        try:
            parsed = terms(str(entry["quantity"]), set(volumes), facts)
        except (ValueError, SyntaxError, GuideError) as error:
            raise GuideError(f"{where}: quantity: {error}") from error
        lines.append(Line(meters[entry["meter"]], str(entry["quantity"]), parsed))
    unused = set(volumes) - {name for line in lines for _, names in line.terms for name in names}
    if unused:
        raise GuideError(f"{place(path)}: no line uses the volume {', '.join(sorted(unused))}. Use it, or remove it.")
    rest = {k: v for k, v in raw.items() if k not in ("volumes", "lines")}
    for text in [*rest.get("assumptions", []), *rest.get("left_out", []), *(e["why"] for e in rest.get("unknown", []))]:
        check_links(text, facts, place(path))
    return Pattern(**rest, slug=slug, volumes=volumes, lines=lines)


@fresh(lambda: [ROOT / "docs" / "data" / "products.yml", *FACTS.glob("*.yml"), *COSTS.rglob("*.yml")])
def load_all() -> tuple[dict[str, Fact], dict[str, Meter], dict[str, Pattern]]:
    """Return the facts, the meters, and every pattern that has cost data, by slug."""
    facts = load()
    meters = load_meters(facts)
    slugs = sorted(path.stem for path in (COSTS / "patterns").glob("*.yml"))
    return facts, meters, {slug: load_pattern(slug, facts, meters) for slug in slugs}
