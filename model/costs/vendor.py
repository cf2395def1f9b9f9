"""Compute the vendor's own worked examples, so that a wrong rule shows as a different cent."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from model.costs.bill import Meter, Plan
from model.costs.data import COSTS, place, read
from model.costs.formula import quantity, terms
from model.files import GuideError

PATH = COSTS / "vendor-examples.yml"


@dataclass(frozen=True)
class Example:
    """One worked example of the vendor.

    Attributes:
        as_of: the date of the evidence, or words where the copy carries none.
        plan: the plan whose price it adds, or None.
        lines: meter, quantity and the vendor's figure in cents.
        total: the vendor's figure in cents.
        bare: it leaves the included amount out.
    """

    title: str
    source: str
    as_of: str
    plan: Plan | None
    lines: tuple[tuple[Meter, Fraction, int], ...]
    total: int
    bare: bool

    def computed(self) -> tuple[list[int], int]:
        """Return the lines and the total in cents, as this site computes them."""
        included = Fraction(0) if self.bare else None
        lines = [meter.cost(amount, included) for meter, amount, _ in self.lines]
        return lines, sum(lines) + (self.plan.cents if self.plan else 0)


def as_cents(text: str) -> int:
    return int(Fraction(text) * 100)


def load_examples(meters: dict[str, Meter], path: Path = PATH) -> list[Example]:
    """Return every example.

    Raises:
        GuideError: an entry names an unknown meter or plan.
    """
    plans = {meter.plan.id: meter.plan for meter in meters.values() if meter.plan}
    examples = []
    for raw in read(path):
        where = f"{place(path)}, {raw['title']}"
        lines = []
        for name, entry in raw["lines"].items():
            if name not in meters:
                raise GuideError(
                    f"{where}: unknown meter {name!r}. Add it to docs/data/costs/meters.yml, or correct it."
                )
            amount = quantity(terms(str(entry["quantity"]), set(), {}), {})
            lines.append((meters[name], amount, as_cents(entry["cost"])))
        if raw.get("plan", "workers") not in plans:
            raise GuideError(f"{where}: unknown plan {raw['plan']!r}. Use one of {', '.join(plans)}.")
        plan = plans[raw["plan"]] if "plan" in raw else None
        bare = raw.get("missing") == "included"
        examples.append(
            Example(raw["title"], raw["source"], str(raw["as_of"]), plan, tuple(lines), as_cents(raw["total"]), bare)
        )
    return examples
