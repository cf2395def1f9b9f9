"""Show what an experiment measured: bars, a table, and the command that measures again."""

import html
from typing import Any

from hooks.guide import plain
from model.experiments import MARKS, command, load

NBSP = "\N{NO-BREAK SPACE}"
TEXT_PX, BAR_PX, GAP_PX = 20, 12, 10


def shown(value: float | str | None, unit: str) -> str:
    """Return a figure as readers see it, number and unit never on two lines: ``1,040 ms``, ``64 MiB``, ``0``."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if unit == "bytes":
        for name, size in (("MiB", 2**20), ("KiB", 2**10)):
            if value >= size:
                return f"{value / size:.3g}{NBSP}{name}" if value < 1000 * size else f"{value / size:,.0f}{NBSP}{name}"
    number = f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:.3g}"
    return f"{number}{NBSP}{unit}" if unit else number


def chart(name: str, data: dict[str, Any]) -> str:
    """Return an SVG with a group of bars for each column that asks for them; empty when none does.

    It has no viewBox: bars are shares of the width, text never shrinks.
    """
    parts: list[str] = []
    words: list[str] = []
    y = 0
    for number, column in enumerate(data["columns"]):
        if not column.get("bars"):
            continue
        values = [row["values"][number] or 0 for row in data["rows"]]
        most = max(*values, 1e-9)
        y += TEXT_PX
        parts.append(f'<text class="chart__title" x="0" y="{y - 5}">{html.escape(column["name"])}</text>')
        for row, value in zip(data["rows"], values, strict=True):
            label, figure = f"{MARKS[row['side']]} {row['way']}", shown(row["values"][number], column.get("unit", ""))
            words.append(f"{column['name']}, {row['way']}: {figure}.")
            parts.append(
                f'<text x="0" y="{y + TEXT_PX - 6}">{html.escape(label)} <tspan class="chart__value">{figure}</tspan></text>'
                f'<rect class="chart__track" x="0" y="{y + TEXT_PX}" width="100%" height="{BAR_PX}"/>'
                f'<rect class="chart__{row["side"]}" x="0" y="{y + TEXT_PX}" width="{100 * value / most:.1f}%" height="{BAR_PX}"/>'
            )
            y += TEXT_PX + BAR_PX + GAP_PX
    if not parts:
        return ""
    ids = f"chart-{name}-title", f"chart-{name}-words"
    return (
        f'<figure class="chart" data-search-exclude><svg role="img" aria-labelledby="{" ".join(ids)}" width="100%" height="{y}">'
        f'<title id="{ids[0]}">{html.escape(data["what"])}</title><desc id="{ids[1]}">{html.escape(" ".join(words))}</desc>'
        f"{''.join(parts)}</svg></figure>"
    )


def table(data: dict[str, Any]) -> str:
    """Return the Markdown table of all figures."""
    head = ["Way", *(column["name"] for column in data["columns"])]
    rows = [
        [
            f"{MARKS[row['side']]} {row['way']}",
            *(shown(v, c.get("unit", "")) for v, c in zip(row["values"], data["columns"], strict=True)),
        ]
        for row in data["rows"]
    ]
    lines = [f"| {' | '.join(cells)} |" for cells in [head, *rows]]
    return "\n".join([lines[0], "|---" + "|--:" * len(data["columns"]) + "|", *lines[1:]])


def block(name: str, data: dict[str, Any]) -> str:
    """Return what takes the place of the marker, as Markdown."""
    drawn, data = chart(name, data), plain(data)
    parts = [
        f"{data['what']}:",
        drawn,
        f'<div class="figures" markdown="1">\n\n{table(data)}\n\n</div>',
        f"Measured on {data['date']} with {data['machine']}. Measure it yourself: `{command(name)}`\n{{ .measured }}",
    ]
    return "\n\n".join(part for part in parts if part)


def of(name: str) -> str:
    """Return what takes the place of the marker of an experiment."""
    return block(name, load(name))
