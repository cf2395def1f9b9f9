"""What a build knows of the guide: read before the first page, the same for all of them."""

import re
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from model.chooser import load as load_rules
from model.costs.bill import Meter
from model.costs.bill import Pattern as Costs
from model.costs.data import load_all
from model.costs.vendor import Example, load_examples
from model.facts import Fact
from model.glossary import Term
from model.glossary import load as load_terms
from model.patterns import Pattern, patterns
from model.products import products
from model.transcripts.arrows import Rule
from model.transcripts.arrows import load as load_arrows

TAG = re.compile(r"(`+).+?\1|<")


def plain(value: Any) -> Any:
    """Return data as Markdown that shows it as it is: outside of code no ``<`` of it begins an element."""
    if isinstance(value, str):
        return TAG.sub(lambda found: "&lt;" if found[0] == "<" else found[0], value)
    if isinstance(value, dict):
        return {key: plain(of) for key, of in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    if is_dataclass(value) and not isinstance(value, type):
        kept = {"text"} if isinstance(value, Pattern) else set()  # the page itself, which is Markdown
        return replace(value, **{f.name: plain(getattr(value, f.name)) for f in fields(value) if f.name not in kept})
    return value


@dataclass(frozen=True)
class Guide:
    """The guide's data.

    Attributes:
        patterns: every pattern, in the order of its numbers.
        products: ``docs/data/products.yml``.
        facts: every fact by id.
        meters: what is counted for a bill, by id.
        costs: cost data by slug.
        examples: the vendor's worked examples.
        terms: the glossary.
        rules: the chooser's.
        arrows: which arrows of a diagram a request takes, by example.
        live: whether pages carry buttons that send requests.
        zips: size in bytes and number of files of each example's zip, by slug.
        deploy: the address that deploys an example with one click, by slug; empty where none does.
        offline: the zip to read offline that this build offers.
    """

    patterns: list[Pattern]
    products: dict[str, dict[str, str]]
    facts: dict[str, Fact]
    meters: dict[str, Meter]
    costs: dict[str, Costs]
    examples: list[Example]
    terms: list[Term]
    rules: dict[str, Any]
    arrows: dict[str, list[Rule]]
    live: bool = False
    zips: dict[str, tuple[int, int]] = field(default_factory=dict)
    deploy: dict[str, str] = field(default_factory=dict)
    offline: Path | None = None

    @cached_property
    def written(self) -> "Guide":
        """The same data, to write into Markdown."""
        return plain(self)


def read(**settings: Any) -> Guide:
    """Read all data files."""
    facts, meters, costs = load_all()
    return Guide(
        patterns=patterns(),
        products=products(),
        facts=facts,
        meters=meters,
        costs=costs,
        examples=load_examples(meters),
        terms=load_terms(),
        rules=load_rules(),
        arrows=load_arrows(),
        **settings,
    )
