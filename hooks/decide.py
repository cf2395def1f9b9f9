"""Turn the rules of ``docs/data/decide.yml`` into the chooser and the tables of ``guide/decide.md``.

The same rules are evaluated here, for tables and tests, and in the reader's browser by ``docs/assets/decide.js``.
"""

import html
import json
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from catalogue import Pattern, patterns
from site_files import file_at
from yaml_file import parse_yaml

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "docs" / "data" / "decide.yml"
FORM = "<!-- decide: the chooser -->"
TABLE = re.compile(r"<!-- decide: table of (?P<id>[a-z]+) -->")
ORDER = "<!-- decide: the order at a tie -->"
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
        PluginError: a pattern is unknown or missing, or one answer names a pattern twice.
    """
    known = {page.slug: page for page in pages}
    if odd := raw["order"].keys() ^ known.keys():
        raise PluginError(f"docs/data/decide.yml: order must name each pattern once; look at {', '.join(sorted(odd))}")
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
        raise PluginError(f"{place}: unknown pattern {', '.join(sorted(unknown))}")
    if twice := {slug for slug in named if named.count(slug) > 1}:
        raise PluginError(f"{place}: names {', '.join(sorted(twice))} twice")

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


def table(rules: Rules, question: str) -> str:
    """Return one question's answers as a Markdown table: what each means, speaks for and puts out.

    A bold name counts two, a number one; numbers are those of the navigation.
    """
    names = {pattern["slug"]: pattern["name"] for pattern in rules["patterns"]}
    answers = next(q["answers"] for q in rules["questions"] if q["id"] == question)
    rows = ["| Your answer | Speaks for | Puts out |", "|---|---|---|"]
    for answer in answers:
        if answer["id"] != ANY:
            strong = [f"**[{names[slug]}](../patterns/{slug}.md)**" for slug in answer["strong"]]
            fits = [
                f'[{number(names[slug])}](../patterns/{slug}.md "{names[slug]}")'
                for slug in by_number(answer["fits"], names)
            ]
            out = [
                f"{', '.join(number(names[slug]) for slug in by_number(slugs, names))}: {why}"
                for why, slugs in answer["out"]
            ]
            rows.append(
                f"| **{answer['label']}**<br>{answer['means']} | {', '.join([*strong, *fits]) or 'no pattern'} "
                f"| {'<br>'.join(out) or 'no pattern'} |"
            )
    return "\n".join(rows)


def number(name: str) -> str:
    """Return "3b" for "3b · Private machine API"."""
    return name.partition(" ")[0]


def by_number(slugs: list[str], names: dict[str, str]) -> list[str]:
    """Return slugs in the order of the navigation."""
    return sorted(slugs, key=lambda slug: (int(re.sub(r"\D.*", "", names[slug])), names[slug]))


def form(rules: Rules, addresses: dict[str, str]) -> str:
    """Return the HTML of the chooser; ``docs/assets/decide.js`` makes it answer.

    Args:
        rules: from ``load``.
        addresses: slug to the address of the pattern's page.
    """
    sets = "".join(_fieldset(place, q) for place, q in enumerate(rules["questions"], start=1))
    shown = {**rules, "patterns": [{**p, "url": addresses[p["slug"]]} for p in rules["patterns"]]}
    # Not a script element: instant navigation would run it as JavaScript, whatever its type.
    data = html.escape(json.dumps(shown, ensure_ascii=False, separators=(",", ":")), quote=False)
    return (
        '<div class="chooser scripted" data-module="decide" data-search-exclude>'
        f'<form autocomplete="off"><p class="chooser__notice" role="alert" hidden></p>{sets}'
        '<div class="chooser__bar"><p role="status">Answer one question, and the result stands below.</p>'
        '<button type="button" data-go="result">Show the result</button><button type="reset">Start again</button></div></form>'
        '<section class="chooser__result" tabindex="-1" aria-label="Result"></section>'
        f"<template>{data}</template></div>"
        '<p class="unscripted">The form needs JavaScript. The tables below say the same.</p>'
    )


def _fieldset(place: int, question: dict[str, Any]) -> str:
    radios = "".join(
        f'<label><input type="radio" name="{question["id"]}" value="{a["id"]}"> <span><b>{html.escape(a["label"])}</b>'
        f"<small>{html.escape(a['means'])}</small></span></label>"
        for a in question["answers"]
    )
    return (
        f"<fieldset><legend>{place}. {html.escape(question['ask'])}</legend>"
        f"<p>{html.escape(question['hint'])}</p><div>{radios}</div></fieldset>"
    )


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    if not TABLE.search(markdown):
        return markdown
    rules = load()
    order = ", ".join(pattern["name"] for pattern in rules["patterns"])
    return TABLE.sub(lambda m: table(rules, m["id"]), markdown).replace(ORDER, order)


def on_page_content(page_html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    if FORM not in page_html:
        return page_html
    rules = load()
    pages = {p["slug"]: file_at(files, f"patterns/{p['slug']}.md") for p in rules["patterns"]}
    return page_html.replace(FORM, form(rules, {slug: file.url_relative_to(page.file) for slug, file in pages.items()}))
