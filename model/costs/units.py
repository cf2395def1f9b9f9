"""Read facts as exact numbers, so that a price stands in the data once and no digit of it is lost."""

import math
import re
from fractions import Fraction

from model.facts import Fact
from model.files import GuideError

DAYS = 30  # the month of the vendor's own examples
SCALES = {"": 1, "million": 10**6, "billion": 10**9}
AMOUNT = re.compile(r"(?:(?P<scale>million|billion) )?(?P<noun>.*?)(?: per (?P<period>day|month))?")
PRICE = re.compile(r"USD per (?:(?P<batch>[\d,]+)? ?(?P<scale>million|billion)? )?(?P<noun>.+?)(?: (?:per|and) month)?")
FREE_WORDS = {"free", "no extra charge"}


def cents(dollars: Fraction) -> int:
    """Return whole cents, half a cent upwards."""
    return math.floor(dollars * 100 + Fraction(1, 2))


def money(amount: int) -> str:
    """Return cents as a reader knows them: ``1,234.50``."""
    return f"{amount // 100:,}.{amount % 100:02d}"


def parts(fact: Fact, pattern: re.Pattern[str]) -> re.Match[str]:
    if found := pattern.fullmatch(fact.unit):
        return found
    raise GuideError(f"the fact {fact.id} has the unit {fact.unit!r}, which costs cannot count with")


def value(fact: Fact) -> Fraction:
    """Return a fact's figure as one number: 25 billion rows are 25,000,000,000, USD 0.30 per million is 0.0000003."""
    if isinstance(fact.value, str):
        raise GuideError(f"the fact {fact.id} has the text {fact.value!r} where a number is needed")
    if fact.unit.startswith("USD"):
        return rate(fact)[0]
    return Fraction(str(fact.value)) * SCALES[parts(fact, AMOUNT)["scale"] or ""]


def monthly(fact: Fact) -> Fraction:
    """Return a Free or an included amount for a month; an amount per day counts 30 times."""
    return value(fact) * (DAYS if parts(fact, AMOUNT)["period"] == "day" else 1)


def rate(fact: Fact) -> tuple[Fraction, Fraction]:
    """Return the price of one in dollars, and how many the price is quoted for."""
    if fact.value in FREE_WORDS:
        return Fraction(0), Fraction(1)
    found = PRICE.fullmatch(fact.unit)
    if not found or isinstance(fact.value, str):
        raise GuideError(f"the fact {fact.id} is no price: its unit is {fact.unit!r}, write 'USD per …'")
    batch = Fraction((found["batch"] or "1").replace(",", "")) * SCALES[found["scale"] or ""]
    return Fraction(str(fact.value)) / batch, batch


def counted(fact: Fact) -> str:
    """Return the noun that a fact counts, in the singular."""
    return singular(parts(fact, PRICE if fact.unit.startswith("USD") else AMOUNT)["noun"])


def singular(noun: str) -> str:
    return re.sub(r"s\b", "", noun.replace("-months", "").replace("-month", ""))
