"""Say whether a fact still stands on its source page, and never guess that it changed."""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from model.facts import Fact
from tools.facts.text import read

NEAR_CHARS = 60
SCALES = {"thousand": (3, "k|thousand"), "million": (6, "m|million"), "billion": (9, "b|bn|billion")}
CURRENCY = r"(?:US ?\$|\$|\bUSD)"
NO_UNIT_WORDS = set("per of and the in at an to by on for each with about every usd".split()) | SCALES.keys()
LONG_FORMS = {
    "ms": "ms|milliseconds?",
    "second": "seconds?|secs?",
    "minute": "minutes?|mins?",
    "hour": "hours?|hrs?",
    "kb": "kb|kilobytes?",
    "mb": "mb|megabytes?",
    "gb": "gb|gigabytes?",
    "tb": "tb|terabytes?",
    "%": "%|percent",
}
ERROR_TITLE = re.compile(
    r"\W*(?:404\b|(?:page )?not found|just a moment|access denied|attention required|error\W*$)", re.I
)


class State(StrEnum):
    """What a check found out about one fact."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    GONE = "page gone"
    UNCLEAR = "could not tell"


@dataclass(frozen=True)
class Finding:
    """What is known of one fact after a check.

    Attributes:
        fact: the fact.
        state: the verdict.
        detail: why, in a few words.
        new: the value that the page gives now, when it changed.
    """

    fact: Fact
    state: State
    detail: str
    new: str = ""


def spellings(amount: Decimal) -> str:
    """Return a regular expression for a number as pages write it: ``1,000``, ``1000``, ``1 000``, ``1K``, ``1 thousand``."""
    forms = [_digits(amount) + r"(?! ?(?:k|m|b|bn|thousand|million|billion)\b)"]
    for power, names in SCALES.values():
        scaled = amount.scaleb(-power)
        if scaled >= 1 and scaled == round(scaled, 2):
            forms.append(rf"{_digits(scaled)} ?(?:{names})(?![a-z])")
    return rf"(?:{'|'.join(forms)})(?!\d|[.,]\d| \d{{3}}(?!\d)|(?:st|nd|rd|th)\b)"


def _digits(amount: Decimal) -> str:
    whole, _, rest = f"{amount.normalize():f}".partition(".")
    return "[, ]?".join(f"{int(whole):,}".split(",")) + (rf"\.{rest}0*" if rest else r"(?:\.0+)?")


def amount(fact: Fact) -> Decimal:
    """Return the whole amount of a numeric fact: 10 ``million reads`` is 10,000,000."""
    scale, _, _ = fact.unit.partition(" ")
    return Decimal(str(fact.value)).scaleb(SCALES[scale][0] if scale in SCALES else 0)


def number(fact: Fact) -> str:
    """Return a regular expression for a numeric fact's number, not as a part of another; prices carry their currency."""
    alone = rf"(?<![\w.,$€-]){spellings(amount(fact))}"
    return rf"{CURRENCY} ?{spellings(amount(fact))}|{alone} ?USD\b" if fact.unit.startswith("USD") else alone


def unit_words(fact: Fact) -> str:
    """Return a regular expression for any word of a fact's unit, or an empty text when it has none to look for."""
    found = [w for w in re.findall(r"[a-z]{2,}|%", (fact.unit or fact.text).lower()) if w not in NO_UNIT_WORDS]
    # "queries", "query" and "requests" are looked for by what their forms share.
    stems = dict.fromkeys(re.sub(r"(?<=..)(?:ies|(?<=[a-z]{4})y|(?<!s)s)$", "", w) if len(w) > 2 else w for w in found)
    forms = [LONG_FORMS.get(s) or (rf"{re.escape(s)}s?" if len(s) < 4 else rf"{re.escape(s)}[a-z]*") for s in stems]
    return rf"(?<![a-z])(?:{'|'.join(forms)})(?![a-z])" if forms else ""


def by_pattern(fact: Fact, text: str) -> Finding:
    """Compare by the fact's own ``find``; only this way can a value be reported as changed."""
    found = [m[1].strip() for m in re.finditer(fact.find, text) if m[1] and m[1].strip()]
    if not found:
        return Finding(fact, State.UNCLEAR, "its find pattern matches nothing on the page")
    if any(_same(fact, f) for f in found):
        return Finding(fact, State.UNCHANGED, "found by its pattern")
    return Finding(fact, State.CHANGED, "its find pattern matches another value", found[0])


def _same(fact: Fact, found: str) -> bool:
    if isinstance(fact.value, str):
        return " ".join(found.split()).casefold() == " ".join(fact.value.split()).casefold()
    usual = f"{spellings(amount(fact))}|{spellings(Decimal(str(fact.value)))}"
    return bool(re.fullmatch(rf"{CURRENCY}? ?(?:{usual}) ?(?:USD)?", found, re.I))


def by_default(fact: Fact, text: str) -> Finding:
    """Look for the number near a word of its unit, or for a text of several words; what is missing proves nothing."""
    missing = Finding(fact, State.UNCLEAR, "the value is not near its unit; add a find pattern, or read the page")
    if isinstance(fact.value, str):
        words = fact.value.split()
        if len(words) < 2:
            return Finding(fact, State.UNCLEAR, "a single word proves nothing; add a find pattern")
        phrase = r"\s+".join(map(re.escape, words))
        held = re.search(rf"(?<!\w){phrase}(?!\w)", text, re.I)
        return Finding(fact, State.UNCHANGED, "the words stand on the page") if held else missing
    unit = unit_words(fact)
    if not unit and not fact.unit.startswith("USD"):
        return Finding(fact, State.UNCLEAR, "a number without a unit proves nothing; add a find pattern")
    for match in re.finditer(number(fact), text, re.I):
        before = text[max(0, match.start() - NEAR_CHARS) : match.start()]
        if not unit or re.search(unit, f"{before} {text[match.end() : match.end() + NEAR_CHARS]}", re.I):
            return Finding(fact, State.UNCHANGED, "the number stands near its unit")
    return missing


def compare(facts: list[Fact], html: str) -> list[Finding]:
    """Return what a page's HTML says about each of the facts that name it as their source."""
    title, text = read(html)
    if ERROR_TITLE.match(title):
        return [Finding(fact, State.UNCLEAR, "the page is an error page, though its status is 200") for fact in facts]
    return [by_pattern(fact, text) if fact.find else by_default(fact, text) for fact in facts]
