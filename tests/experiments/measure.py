"""Compare what an experiment measures with the figures that its page shows, or write them with ``--update``."""

import datetime
import importlib.util
import json
import operator
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import permutations
from types import ModuleType
from typing import Any

import pytest

from model.examples import versions
from tests.documents.fences import ROOT

EXPERIMENTS = ROOT / "experiments"
DATA = ROOT / "docs" / "data" / "experiments"
# A count or a size that hangs on the machine may be this much smaller or larger on another one.
FACTOR = 10
# Times are never compared with those of the page. Where the page shows one time that is this much longer than another,
# the same one must be longer in this run too; what is closer may change places on a busy machine.
CLEAR = 10


@dataclass(frozen=True)
class Column:
    """One figure of each row.

    Attributes:
        name: the head of the column.
        unit: what stands behind the number; ``bytes`` is shown in KiB and MiB.
        loose: a count or a size that depends on the machine: only its order of magnitude is compared.
        timed: a time: only the order of the rows within one run is compared.
        bars: the page draws it.
    """

    name: str
    unit: str = ""
    loose: bool = False
    timed: bool = False
    bars: bool = False


@dataclass(frozen=True)
class Row:
    """One way to do it: ``side`` is ``wrong``, ``half`` or ``right``."""

    way: str
    side: str
    values: Sequence[float | str | None]


def module(experiment: str, file: str) -> ModuleType:
    """Load a Python file of an experiment without leaving its folder on the import path."""
    path = EXPERIMENTS / experiment / file
    spec = importlib.util.spec_from_file_location(f"{experiment.replace('-', '_')}_{path.stem}", path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def alike(shown: float | str | None, measured: float | str | None) -> bool:
    """Say whether two figures have the same order of magnitude; nothing is like zero but zero."""
    if not isinstance(shown, int | float) or not isinstance(measured, int | float):
        return shown == measured
    if not shown or not measured:
        return shown == measured
    return 1 / FACTOR <= measured / shown <= FACTOR


def same_order(shown: Sequence[float | None], measured: Sequence[float | None]) -> bool:
    """Say whether all rows that the page shows far apart stand in the same order in this run."""
    pairs = [(a, b) for a, b in permutations(range(len(shown)), 2) if (shown[a] or 0) >= CLEAR * (shown[b] or 0) > 0]
    return all(measured[a] > measured[b] for a, b in pairs)


def compare(column: Column) -> Callable[[list[Any], list[Any]], bool]:
    """Return what says whether the figures of a column are those of the page."""
    if column.timed:
        return same_order
    return (lambda was, now: all(map(alike, was, now))) if column.loose else operator.eq


def _text(data: dict[str, Any]) -> str:
    """Return JSON with one line for each field, column and row."""
    fields = []
    for name, value in data.items():
        lines = (
            ",\n  ".join(json.dumps(entry, ensure_ascii=False) for entry in value) if isinstance(value, list) else ""
        )
        fields.append(f' "{name}": ' + (f"[\n  {lines}\n ]" if lines else json.dumps(value, ensure_ascii=False)))
    return "{\n" + ",\n".join(fields) + "\n}\n"


def check(
    config: pytest.Config, name: str, what: str, columns: Sequence[Column], rows: Sequence[Row], ran: str = ""
) -> None:
    """Fail when the page would show something else than what was measured now; write the figures with ``--update``.

    Args:
        config: knows whether ``--update`` was given.
        name: the experiment's folder.
        what: one line that says what was done.
        columns: the figures of each way.
        rows: the ways.
        ran: what it ran on, where that is not workerd.
    """
    path = DATA / f"{name}.json"
    described = {
        "what": what,
        "columns": [{k: v for k, v in asdict(c).items() if v} for c in columns],
        "rows": [{"way": r.way, "side": r.side, "values": list(r.values)} for r in rows],
    }
    if config.getoption("--update"):
        machine = f"{os.cpu_count()} cores, {ran or f'workerd {versions()[1]}'}"
        path.write_text(_text({"date": f"{datetime.date.today()}", "machine": machine, **described}), encoding="utf-8")
        return
    remedy = f"The page shows other figures than were measured now. Run this file with --update, and read {path.name} before you commit it."
    assert path.is_file(), remedy
    shown = json.loads(path.read_text(encoding="utf-8"))
    assert (shown["what"], shown["columns"]) == (what, described["columns"]), remedy
    assert [(r["way"], r["side"]) for r in shown["rows"]] == [(r.way, r.side) for r in rows], remedy
    for number, column in enumerate(columns):
        was, now = [row["values"][number] for row in shown["rows"]], [row.values[number] for row in rows]
        same = compare(column)(was, now)
        assert same, f"{column.name} of {[row.way for row in rows]}: {was} on the page, {now} now. {remedy}"
