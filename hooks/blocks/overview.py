"""Show all patterns at a glance on ``patterns/index.md``, from their front matter; ``docs/assets/overview.js`` filters."""

import html
from collections.abc import Callable

from model.patterns import Pattern
from model.products import products

STATES = {
    "none": "None",
    "read-heavy": "Read often, changed seldom",
    "relational": "Tables",
    "coordinated": "Changed together",
    "objects": "Files",
    "vectors": "Search by meaning",
}
EXPOSURES = {"public": "Public", "private": "Private", "egress": "Way out"}
ANY = '<option value="">any</option>'
COLUMNS = ("Pattern", "State", "Exposure", "Lowest plan", "Services")


def form(pages: list[Pattern]) -> str:
    """Return the filter: one choice of a service, one of a need."""
    names = products()
    services = sorted({s for page in pages for s in page.services}, key=lambda s: names[s]["name"].lower())
    states, exposures = {page.state for page in pages}, {page.exposure for page in pages}
    choices = (
        _options("It keeps", {s: name for s, name in STATES.items() if s in states})
        + _options("Traffic", {e: name for e, name in EXPOSURES.items() if e in exposures})
        + _options("Price", {"free": "Starts on the Free plan"})
    )
    return (
        '<form class="filter scripted" data-module="overview" data-search-exclude autocomplete="off">'
        f'<label>Service <select name="service">{ANY}{_options("", {s: names[s]["name"] for s in services})}</select></label>'
        f'<label>Need <select name="need">{ANY}{choices}</select></label>'
        f'<p role="status">{len(pages)} patterns</p></form>'
    )


def _options(group: str, choices: dict[str, str]) -> str:
    options = "".join(
        f'<option value="{html.escape(value)}">{html.escape(name)}</option>' for value, name in choices.items()
    )
    return f'<optgroup label="{group}">{options}</optgroup>' if group else options


def table(pages: list[Pattern], addresses: dict[str, str]) -> str:
    """Return the table; each row has the pattern's slug as its anchor.

    Args:
        pages: the patterns, in order.
        addresses: ``patterns/<slug>.md`` and ``services/<id>.md`` to where they stand, seen from this page.
    """
    names = products()
    head = "".join(f'<th role="columnheader" scope="col">{name}</th>' for name in COLUMNS)
    rows = "".join(_row(page, names, addresses) for page in pages)
    return (
        f'<table class="overview" role="table"><thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{rows}</tbody></table>'
    )


def _row(page: Pattern, names: dict[str, dict[str, str]], addresses: dict[str, str]) -> str:
    links = ", ".join(
        f'<a href="{addresses[f"services/{s}.md"]}">{html.escape(names[s]["name"])}</a>' for s in page.services
    )
    cells = (STATES[page.state], EXPOSURES[page.exposure], html.escape(page.plan), links)
    needs = f"{page.state} {page.exposure}{' free' if page.plan.startswith('Free') else ''}"
    return (
        f'<tr role="row" id="{page.slug}" data-services="{" ".join(page.services)}" data-needs="{needs}">'
        f'<th role="rowheader" scope="row"><a href="{addresses[f"patterns/{page.slug}.md"]}">{page.number} · '
        f"{html.escape(page.title)}</a><span>{html.escape(page.description)}</span></th>"
        + "".join(
            f'<td role="cell" data-label="{label}">{cell}</td>' for label, cell in zip(COLUMNS[1:], cells, strict=True)
        )
        + "</tr>"
    )


def block(pages: list[Pattern], lead_to: Callable[[str], str]) -> str:
    """Return the filter and the table; ``lead_to`` gives the address of a file below ``docs/``."""
    wanted = [f"patterns/{page.slug}.md" for page in pages] + [
        f"services/{s}.md" for page in pages for s in page.services
    ]
    return form(pages) + table(pages, {uri: lead_to(uri) for uri in wanted})
