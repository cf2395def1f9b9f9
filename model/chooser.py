"""Read the rules of the chooser, ``docs/data/decide.yml``; the reader's browser evaluates them with ``docs/assets/decide.js``."""

from pathlib import Path
from typing import Any

from model.files import ROOT, GuideError, read_yaml
from model.patterns import Pattern, patterns

RULES = ROOT / "docs" / "data" / "decide.yml"
ANY = "any"

Rules = dict[str, Any]


def resolve(raw: dict[str, Any], pages: list[Pattern]) -> Rules:
    """Return the rules with every pattern's number, description and plan, in the order that breaks a tie.

    A draft is named in the file and recommended to nobody.

    Args:
        raw: the parsed YAML.
        pages: the patterns, as their pages describe them.

    Raises:
        GuideError: a pattern is unknown or missing, or one answer names a pattern twice.
    """
    known = {page.slug: page for page in pages}
    if odd := raw["order"].keys() ^ known.keys():
        raise GuideError(f"docs/data/decide.yml: order must name each pattern once; look at {', '.join(sorted(odd))}")
    named = [
        {
            "slug": slug,
            "name": f"{known[slug].number} · {name}",
            "description": known[slug].description,
            "plan": known[slug].plan,
        }
        for slug, name in raw["order"].items()
        if not known[slug].draft
    ]
    questions = [
        {
            "id": q["id"],
            "ask": q["ask"],
            "hint": q["hint"],
            "answers": [_answer(a, q["id"], known) for a in q["answers"]],
        }
        for q in raw["questions"]
    ]
    return {"patterns": named, "questions": questions}


def _answer(answer: dict[str, Any], question: str, known: dict[str, Pattern]) -> dict[str, Any]:
    place = f"docs/data/decide.yml, question {question}, answer {answer['id']}"
    strong, fits = answer.get("strong", []), answer.get("fits", [])
    out = [[entry["because"], entry["patterns"]] for entry in answer.get("out", [])]
    named = [*strong, *fits, *(slug for _, slugs in out for slug in slugs)]
    if unknown := set(named) - known.keys():
        raise GuideError(f"{place}: unknown pattern {', '.join(sorted(unknown))}")
    if twice := {slug for slug in named if named.count(slug) > 1}:
        raise GuideError(f"{place}: names {', '.join(sorted(twice))} twice")

    def finished(slugs: list[str]) -> list[str]:
        return [slug for slug in slugs if not known[slug].draft]

    return {
        "id": answer["id"],
        "label": answer["label"],
        "means": answer["means"],
        "strong": finished(strong),
        "fits": finished(fits),
        "out": [[why, left] for why, slugs in out if (left := finished(slugs))],
    }


def load(path: Path = RULES) -> Rules:
    """Return the rules of the file, resolved against the pattern pages."""
    return resolve(read_yaml(path), patterns())
