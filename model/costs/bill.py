"""Compute what a month costs, exactly and from the facts, so that no worked example is typed by hand and goes stale.

Quantities and prices are fractions. Nothing is rounded until a line is put into cents. ``docs/assets/costs.js`` does the
same arithmetic in the browser, on what ``model`` hands over.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from model.costs.formula import Terms, quantity
from model.costs.units import cents, monthly, rate, value
from model.facts import Fact

SIZES = ("Hobby", "Start-up", "Large")
LARGEST = 10**15
PLAN_OF_LIMITS = "workers"  # the plan that a volume's free_max belongs to


@dataclass(frozen=True)
class Plan:
    """A subscription that decides between Free amounts and a bill.

    Attributes:
        free: the name of the plan that costs nothing, or "" where there is none.
        paid: the name of the other one.
        price: the fact with its monthly price, or None where only usage is billed.
        assumptions: what every page says that uses this plan.
    """

    id: str
    name: str
    paid: str
    free: str = ""
    price: Fact | None = None
    assumptions: tuple[str, ...] = ()

    @property
    def cents(self) -> int:
        return cents(rate(self.price)[0]) if self.price else 0


@dataclass(frozen=True)
class Meter:
    """One thing that Cloudflare counts.

    Attributes:
        counts: what it counts, in the words of the facts.
        plan: the plan whose Free amount applies, or None where usage is billed on every plan alike.
        free: the fact with the Free amount, or "unlimited", or "unavailable".
        included: the fact with the amount that costs nothing.
        price: the fact with the price beyond it.
        rounds: the fact which says that the rest is rounded up to the unit of the price.
    """

    id: str
    product: str
    name: str
    counts: str
    price: Fact
    plan: Plan | None = None
    free: Fact | str = ""
    included: Fact | None = None
    rounds: Fact | None = None

    @property
    def free_amount(self) -> Fraction | None:
        """What Free gives in a month; None is no limit."""
        if self.free == "unavailable":
            return Fraction(0)
        return monthly(self.free) if isinstance(self.free, Fact) else None

    @property
    def included_amount(self) -> Fraction:
        return monthly(self.included) if self.included else Fraction(0)

    @property
    def step(self) -> Fraction:
        return rate(self.price)[1] if self.rounds else Fraction(0)

    def cost(self, quantity: Fraction, included: Fraction | None = None) -> int:
        """Return the cents for a month's quantity on a plan that is billed."""
        rest = max(Fraction(0), quantity - (self.included_amount if included is None else included))
        if self.step:
            rest = math.ceil(rest / self.step) * self.step
        return cents(rest * rate(self.price)[0])


@dataclass(frozen=True)
class Volume:
    """A number that a reader can change.

    Attributes:
        sizes: its value for each of ``SIZES``.
        free_max: the fact with the largest value that the Workers Free plan allows.
    """

    id: str
    label: str
    sizes: tuple[int, int, int]
    min: int = 0
    max: int = LARGEST
    free_max: Fact | None = None


@dataclass(frozen=True)
class Line:
    """A meter and how much of it a month takes; ``formula`` is the text of ``terms``."""

    meter: Meter
    formula: str
    terms: Terms


@dataclass(frozen=True)
class Pattern:
    """Everything about the cost of one pattern, as its file under ``docs/data/costs/patterns`` says."""

    slug: str
    volumes: dict[str, Volume]
    lines: list[Line]
    assumptions: list[str]
    left_out: list[str]
    unknown: list[dict[str, Any]] = field(default_factory=list)

    @property
    def plans(self) -> list[Plan]:
        return list({line.meter.plan.id: line.meter.plan for line in self.lines if line.meter.plan}.values())

    def size(self, index: int) -> dict[str, int]:
        return {name: volume.sizes[index] for name, volume in self.volumes.items()}


@dataclass(frozen=True)
class Bill:
    """What a month costs.

    Attributes:
        plans: for each plan whether it is paid, its price in cents, and what does not fit its Free amounts.
        lines: for each line the quantity and its price in cents.
        total: everything together, in cents.
    """

    plans: list[tuple[bool, int, list[str]]]
    lines: list[tuple[Fraction, int]]

    @property
    def total(self) -> int:
        return sum(price for _, price, _ in self.plans) + sum(price for _, price in self.lines)


def bill(pattern: Pattern, volumes: Mapping[str, int]) -> Bill:
    """Return what a month with these volumes costs."""
    amounts = [quantity(line.terms, volumes) for line in pattern.lines]
    plans = []
    for plan in pattern.plans:
        over = [
            line.meter.name
            for line, amount in zip(pattern.lines, amounts, strict=True)
            if line.meter.plan == plan and line.meter.free_amount is not None and amount > line.meter.free_amount
        ]
        if plan.id == PLAN_OF_LIMITS:
            over += [v.label for v in pattern.volumes.values() if v.free_max and volumes[v.id] > value(v.free_max)]
        over = over if plan.free else []
        paid = bool(over) or not plan.free
        plans.append((paid, plan.cents if paid else 0, over))
    paid = {plan.id for plan, (is_paid, _, _) in zip(pattern.plans, plans, strict=True) if is_paid}
    lines = [
        (amount, line.meter.cost(amount) if line.meter.plan is None or line.meter.plan.id in paid else 0)
        for line, amount in zip(pattern.lines, amounts, strict=True)
    ]
    return Bill(plans, lines)


def model(pattern: Pattern) -> dict[str, Any]:
    """Return all that the browser needs to compute the same bill; fractions are text, so that no digit is lost."""
    plans = [plan.id for plan in pattern.plans]
    return {
        "volumes": [
            {"id": v.id, "label": v.label, "min": v.min, "max": v.max, "sizes": v.sizes}
            | ({"freeMax": str(value(v.free_max))} if v.free_max else {})
            for v in pattern.volumes.values()
        ],
        "plans": [
            {"name": p.name, "free": p.free, "paid": p.paid, "cents": p.cents, "limits": p.id == PLAN_OF_LIMITS}
            for p in pattern.plans
        ],
        "lines": [
            {
                "name": line.meter.name,
                "plan": plans.index(line.meter.plan.id) if line.meter.plan else None,
                "terms": [[str(factor), *names] for factor, names in line.terms],
                "free": None if line.meter.free_amount is None else str(line.meter.free_amount),
                "included": str(line.meter.included_amount),
                "rate": str(rate(line.meter.price)[0]),
                "step": str(line.meter.step),
            }
            for line in pattern.lines
        ],
    }
