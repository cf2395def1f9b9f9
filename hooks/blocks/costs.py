"""Show what a pattern costs: tables in Markdown for everyone, and a form that the browser brings to life."""

import html
import json
import re
from fractions import Fraction

from hooks.guide import Guide
from hooks.page.sheet import Sheet
from model.costs.bill import SIZES, Bill, Line, Meter, Pattern, bill, model
from model.costs.units import money
from model.costs.vendor import Example
from model.facts import Fact
from model.files import GuideError
from model.markdown import table

SHOWN_FIRST = 1  # the size that the form starts with
RULES = "../reference/costs.md"


def short(number: int) -> str:
    """Return a large round number in the fewest digits: ``30 million``."""
    for size, word in ((10**9, "billion"), (10**6, "million")):
        if number >= size and number % (size // 10) == 0:
            return f"{number / size:g} {word}"
    return f"{number:,}"


def amount(quantity: Fraction) -> str:
    """Return a quantity with at most two decimals, half upwards."""
    hundredths = int(quantity * 100 + Fraction(1, 2))
    whole, rest = divmod(hundredths, 100)
    return f"{whole:,}" + (f".{rest:02d}".rstrip("0") if rest else "")


def joined(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def fact_link(fact: Fact) -> str:
    return f"[{fact.shown}](fact:{fact.id})"


def volumes_table(pattern: Pattern) -> str:
    rows = [[v.label, *map(short, v.sizes)] for v in pattern.volumes.values()]
    return table(["In a month", *SIZES], rows)


def bills_table(pattern: Pattern) -> str:
    bills = [bill(pattern, pattern.size(i)) for i in range(len(SIZES))]
    rows = []
    for i, plan in enumerate(pattern.plans):
        paid = f"{plan.paid}, {money(plan.cents)}" if plan.cents else plan.paid
        rows.append([plan.name, *(paid if b.plans[i][0] else plan.free for b in bills)])
    rows += [[line.meter.name, *(money(b.lines[i][1]) for b in bills)] for i, line in enumerate(pattern.lines)]
    rows += [
        [entry["name"], *("unknown" if used else "not used" for used in entry["sizes"])] for entry in pattern.unknown
    ]
    label = "Known prices together" if pattern.unknown else "Together"
    rows.append([f"**{label}**", *(f"**{money(b.total)}**" for b in bills)])
    return table(["Cost, USD", *SIZES], rows) + fits(pattern, bills)


def fits(pattern: Pattern, bills: list[Bill]) -> str:
    """Say for which size a plan that costs nothing is enough, and what is too much for it."""
    text = ""
    for i, plan in enumerate(pattern.plans):
        if not plan.free:
            continue
        enough = [size for size, b in zip(SIZES, bills, strict=True) if not b.plans[i][0]]
        over = [f"{size} ({', '.join(b.plans[i][2])})" for size, b in zip(SIZES, bills, strict=True) if b.plans[i][0]]
        sentences = [f"{plan.free} is enough for {joined(enough)}."] if enough else []
        sentences += [f"It is too small for {joined(over)}."] if over else []
        text += f"\n\n{plan.name}: {' '.join(sentences)}"
    return text


def formula(line: Line, pattern: Pattern, facts: dict[str, Fact]) -> str:
    """Return a line's formula in the words of the page, its facts linked."""
    text = re.sub(
        r"fact\('([a-z0-9-]+)'\)", lambda m: f"[{facts[m[1]].value:,}](fact:{m[1]})", " ".join(line.formula.split())
    )
    links = re.split(r"(\[[^\]]*\]\([^)]*\))", text)
    names = re.compile(rf"\b({'|'.join(pattern.volumes)})\b")
    for i in range(0, len(links), 2):
        plain = names.sub(lambda m: pattern.volumes[m[1]].label, links[i].replace("*", "×").replace(" - ", " − "))
        links[i] = re.sub(r"\d{4,}", lambda m: f"{int(m[0]):,}", plain)
    return "".join(links)


def amounts(meter: Meter) -> list[str]:
    """Return the cells Free, included, and price of a meter, each figure tied to its fact."""
    words = {"unlimited": "no monthly limit", "unavailable": "not on Free", "": "–"}
    free = fact_link(meter.free) if isinstance(meter.free, Fact) else words[meter.free]
    rounds = f", [{meter.rounds.shown}](fact:{meter.rounds.id})" if meter.rounds else ""
    return [free, fact_link(meter.included) if meter.included else "–", fact_link(meter.price) + rounds]


def rates_table(pattern: Pattern, facts: dict[str, Fact]) -> str:
    rows = [[line.meter.name, formula(line, pattern, facts), *amounts(line.meter)] for line in pattern.lines]
    return table(["Line", "Quantity", "Free", "Included when paid", "Beyond it"], rows, right=False)


def bullets(items: list[str]) -> str:
    return "\n".join(f"- {' '.join(item.split())}" for item in items)


def block(pattern: Pattern, facts: dict[str, Fact]) -> str:
    """Return the Markdown that stands for the marker in a page."""
    common = [text for plan in pattern.plans for text in plan.assumptions]
    paid = [f"{plan.name} {plan.paid}: {fact_link(plan.price)}." for plan in pattern.plans if plan.price]
    unknown = [f"{entry['name']}, price unknown: {entry['why']}." for entry in pattern.unknown]
    return "\n\n".join(
        [
            "### What a month costs",
            f"Computed from the facts of this site, by [these rules]({RULES}). The sizes are ours; put in your own below.",
            volumes_table(pattern),
            bills_table(pattern),
            "Assumed:",
            bullets([*paid, *pattern.assumptions, *common]),
            "Left out:",
            bullets([*unknown, *pattern.left_out, "Taxes, discounts, the domain, and a paid plan of its zone."]),
            f'<details markdown="1"><summary>The rates behind each line</summary>\n\n{rates_table(pattern, facts)}\n\n</details>',
            '<div data-fill="costs"></div>',
        ]
    )


def calculator(pattern: Pattern) -> str:
    """Return the form as HTML, filled in for one size, so that nothing moves when its script arrives."""
    volumes = pattern.size(SHOWN_FIRST)
    first = bill(pattern, volumes)
    fields = "".join(
        f'<div class="costs__field"><label for="costs-{v.id}">{html.escape(v.label)}</label>'
        f'<input id="costs-{v.id}" name="{v.id}" inputmode="numeric" autocomplete="off" spellcheck="false" '
        f'value="{volumes[v.id]:,}" aria-describedby="costs-{v.id}-error">'
        f'<span class="costs__error" id="costs-{v.id}-error"></span></div>'
        for v in pattern.volumes.values()
    )
    rows = "".join(
        f'<tr><th scope="row">{html.escape(line.meter.name)}</th>'
        f"<td data-quantity>{amount(quantity)}</td><td data-cost>{money(price)}</td></tr>"
        for line, (quantity, price) in zip(pattern.lines, first.lines, strict=True)
    )
    plans = "".join(f"<p data-plan>{html.escape(text)}</p>" for text in plan_texts(pattern, first))
    sizes = "".join(f'<button type="button" data-size="{i}">{name}</button>' for i, name in enumerate(SIZES))
    unknown = joined([entry["name"] for entry in pattern.unknown]) if pattern.unknown else ""
    without = f"<p>Without the unknown prices: {html.escape(unknown)}.</p>" if unknown else ""
    data = html.escape(json.dumps(model(pattern), separators=(",", ":"), ensure_ascii=False), quote=True)
    return (
        f'<form class="costs js" id="costs" data-module="costs" data-costs data-model="{data}"'
        ' data-search-exclude aria-labelledby="costs-title" novalidate>'
        '<p class="costs__title" id="costs-title">Your own volumes</p>'
        f'<div class="costs__sizes" role="group" aria-label="Start from a size">{sizes}</div>'
        f'<div class="costs__fields">{fields}</div>'
        '<div class="costs__result" role="status" aria-atomic="true">'
        f'<p class="costs__total">USD <strong data-total>{money(first.total)}</strong> per month</p>'
        f"{plans}<p data-wrong></p></div>{without}"
        '<table><thead><tr><th scope="col">Line</th><th scope="col">In a month</th><th scope="col">USD</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
        "<p>The address of the page keeps your volumes, so you can send it to a colleague.</p></form>"
    )


def plan_texts(pattern: Pattern, found: Bill) -> list[str]:
    """Return for each plan a sentence on which one it is, and why."""
    texts = []
    for plan, (paid, price, over) in zip(pattern.plans, found.plans, strict=True):
        cost = f", USD {money(price)}" if price else ""
        why = f". {plan.free} is too small for: {', '.join(over)}." if over else "."
        texts.append(f"{plan.name}: {plan.paid}{cost}{why}" if paid else f"{plan.name}: {plan.free}.")
    return texts


def meters_table(meters: dict[str, Meter]) -> str:
    """Return the reference table of every meter."""
    rows = [[meter.name, *amounts(meter)] for meter in meters.values()]
    return table(["What is counted", "Free", "Included when paid", "Beyond it"], rows, right=False)


def examples_table(examples: list[Example]) -> str:
    """Return the vendor's figure and ours side by side."""
    rows = [
        [
            e.title + " (*)" * e.bare,
            money(e.total),
            money(e.computed()[1]),
            f"[{e.as_of}]({e.source}){{ .fact__source }}",
        ]
        for e in examples
    ]
    return table(["Example", "Theirs, USD", "Computed here, USD", "Source, as of"], rows)


def of(sheet: Sheet, guide: Guide) -> str:
    """Return what a pattern costs, as Markdown; its form is filled in later.

    Raises:
        GuideError: the page has no cost data.
    """
    if sheet.slug not in guide.costs:
        raise GuideError(f"there is no docs/data/costs/patterns/{sheet.slug}.yml. Write it.")
    return block(guide.costs[sheet.slug], guide.facts)
