"""Turn the rules of ``docs/data/decide.yml`` into the chooser and the tables of ``guide/decide.md``.

The same rules are evaluated here, for tables and tests, and in the reader's browser by ``docs/assets/decide.js``.
"""

from pathlib import Path
from typing import Any

from model.files import ROOT, GuideError, parse_yaml
from model.patterns import Pattern, patterns

RULES = ROOT / "docs" / "data" / "decide.yml"
RUNNERS_UP = 3
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
    return resolve(parse_yaml(path.read_text(encoding="utf-8")), patterns())


def evaluate(rules: Rules, answers: dict[str, str]) -> dict[str, Any]:
    """Return the recommendation for some answers.

    Whoever is put out by fewer answers comes first, then whoever has the higher count, then the rules' order.

    Args:
        rules: from ``load``.
        answers: question id to answer id; a question that is missing counts as ``any``.

    Returns:
        ``first``: a slug. ``against``: the answers that put even the first out, as question and reason; empty unless
        no pattern fits all answers. ``next``: up to three slugs. ``rest``: the others, each with the answers that put
        it out; none means that nothing speaks against it, but less speaks for it. ``for``: slug of the first and the
        next to the questions whose answers speak for it.
    """
    given = [(q["id"], a) for q in rules["questions"] for a in q["answers"] if answers.get(q["id"]) == a["id"]]
    standing = []
    for place, slug in enumerate(pattern["slug"] for pattern in rules["patterns"]):
        points = sum(2 * (slug in a["strong"]) + (slug in a["fits"]) for _, a in given)
        against = [[q, why] for q, a in given for why, slugs in a["out"] if slug in slugs]
        standing.append((len(against), -points, place, slug, against))
    first, *others = sorted(standing)
    following = [s for s in others if s[0] == first[0] and s[1] < 0][:RUNNERS_UP]
    return {
        "first": first[3],
        "against": first[4],
        "next": [s[3] for s in following],
        "rest": [{"slug": s[3], "against": s[4]} for s in others if s not in following],
        "for": {s[3]: [q for q, a in given if s[3] in a["strong"] or s[3] in a["fits"]] for s in [first, *following]},
    }
