"""Publish the catalogue as ``patterns.json``, with its JSON Schema, so that programs choose a pattern without reading HTML."""

import json
from pathlib import Path
from typing import Any

from hooks.blocks.offers import zip_address
from hooks.page.sheet import Sheet
from model import examples
from model.examples import tested_by
from model.facts import Fact, used
from model.files import ROOT
from model.patterns import Pattern
from model.products import products

ADDRESS = "patterns.json"
SCHEMA = "patterns.schema.json"


def entry(pattern: Pattern, facts: dict[str, Fact], page: Sheet, root: Path = ROOT) -> dict[str, Any]:
    """Return one pattern as others read it; addresses are relative to ``patterns.json``.

    Args:
        pattern: the pattern.
        facts: every fact by id.
        page: the pattern's page.
        root: the repository.
    """
    names = products()
    folder = root / "snippets" / pattern.slug
    shown = sorted(set(used(page.markdown)))
    return {
        "slug": pattern.slug,
        "number": pattern.number,
        "title": pattern.title,
        "description": pattern.description,
        "services": [{"id": s, "name": names[s]["name"]} for s in pattern.services],
        "use_cases": list(pattern.use_cases),
        "state": pattern.state,
        "exposure": pattern.exposure,
        "plan": pattern.plan,
        "related": list(pattern.related),
        "page": page.url,
        "markdown": page.twin,
        "example": zip_address(pattern.slug),
        "files": [f"snippets/{pattern.slug}/{p.relative_to(folder).as_posix()}" for p in examples.listed(folder)],
        "tests": tested_by(pattern.slug, root),
        "facts": shown,
        "oldest_fact": min(facts[name].as_of for name in shown).isoformat(),
        **({"draft": pattern.draft} if pattern.draft else {}),
    }


def document(entries: list[dict[str, Any]]) -> str:
    """Return the JSON of the catalogue, in the order of the patterns' numbers."""
    return json.dumps({"$schema": SCHEMA, "patterns": entries}, ensure_ascii=False, indent=1) + "\n"
