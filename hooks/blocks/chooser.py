"""Show the rules of the chooser as a form and as tables."""

import html
import json
import re
from typing import Any

from model.chooser import ANY, Rules
from model.files import GuideError


def table(rules: Rules, question: str) -> str:
    """Return one question's answers as a Markdown table: what each means, speaks for and puts out.

    A bold name counts two, a number one; numbers are those of the navigation.
    """
    names = {pattern["slug"]: pattern["name"] for pattern in rules["patterns"]}
    questions = {q["id"]: q["answers"] for q in rules["questions"]}
    if question not in questions:
        raise GuideError(f"docs/data/decide.yml has no question {question!r}. Known are: {', '.join(questions)}.")
    answers = questions[question]
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


def order(rules: Rules) -> str:
    """Return the names of the patterns in the order that breaks a tie."""
    return ", ".join(pattern["name"] for pattern in rules["patterns"])
