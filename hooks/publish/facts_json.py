"""Publish every fact as ``facts.json`` beside the pages, so that nobody has to read figures out of HTML."""

import json
from collections.abc import Iterable
from typing import Any

from model.facts import Fact

ADDRESS = "facts.json"


def entry(fact: Fact, names: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Return one fact as others read it.

    Args:
        fact: the fact.
        names: product id to its entry of ``docs/data/products.yml``; an unknown product is called by its id.
    """
    return {
        "id": fact.id,
        "product": fact.product,
        "product_name": names.get(fact.product, {}).get("name", fact.product),
        "claim": fact.claim,
        "value": fact.value,
        "unit": fact.unit,
        "shown": fact.shown,
        "plan": fact.plan,
        "source": fact.source,
        "as_of": fact.as_of.isoformat(),
        "evidence": fact.evidence,
        "confidence": fact.confidence,
        "note": fact.note,
        "conflict": fact.conflict,
    }


def document(facts: Iterable[Fact], names: dict[str, dict[str, str]]) -> str:
    """Return the JSON list of the facts, sorted by id: the same facts give the same bytes, in whatever order they come."""
    entries = [entry(fact, names) for fact in sorted(facts, key=lambda fact: fact.id)]
    return json.dumps(entries, ensure_ascii=False, indent=1) + "\n"
