"""Write a report as one HTML file that holds its pictures and the changed lines of each page."""

import base64
import html
from collections.abc import Sequence
from pathlib import Path

from tools.report.compare import Build, text_change
from tools.report.data import FactValue, PageChange, Report
from tools.report.markdown import weight

LINES = 60
STYLE = """
:root{color-scheme:light dark;--line:#8886;--came:#1a7f37;--went:#b3261e}
@media (prefers-color-scheme:dark){:root{--came:#4ac26b;--went:#ff8a80}}
body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:0 auto;padding:1rem}
section>article{border-top:1px solid var(--line);padding:.5rem 0}
h1{font-size:1.5rem}h2{font-size:1.25rem}h3{font-size:1rem;margin:.25rem 0}
p{margin:.25rem 0}pre{overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere;font-size:.85rem}
ins{color:var(--came);text-decoration:none}del{color:var(--went);text-decoration:none}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:1rem}
figure{margin:0}img{max-width:100%;background:#fff;border:1px solid var(--line)}
code{overflow-wrap:anywhere}
"""
esc = html.escape


def _section(title: str, articles: Sequence[str]) -> str:
    if not articles:
        return ""
    return f"<section><h2>{title}: {len(articles)}</h2>{''.join(f'<article>{a}</article>' for a in articles)}</section>"


def _page(page: PageChange, base: Build, head: Build) -> str:
    old = page.old or page.address
    states = {"moved": f"moved from <code>{esc(page.old)}</code>", "weight": "weight only"}
    found = []
    if page.state != "removed":
        found.append(f'<a href="head/{esc(page.address)}index.html">after</a>')
    if page.state != "added":
        found.append(f'<a href="base/{esc(old)}index.html">before</a>')
    changed = (
        text_change(base.twins.get(old, ""), head.twins.get(page.address, ""))
        if page.state in ("changed", "moved")
        else []
    )
    rows = [
        f"<{tag}>{esc(line)}</{tag}>" for line in changed[:LINES] for tag in ["ins" if line.startswith("+") else "del"]
    ]
    if len(changed) > LINES:
        rows.append(f"And {len(changed) - LINES} more lines.")
    text = (
        f"<details open><summary>+{page.more} −{page.less} lines</summary><pre>{chr(10).join(rows)}</pre></details>"
        if rows
        else ""
    )
    state = states.get(page.state, page.state)
    return (
        f"<h3>{esc(page.title or 'Home')}</h3><p><code>/{esc(page.address)}</code> · {state} · "
        f"{weight(page.before, page.after)} · {' · '.join(found)}</p>{text}"
    )


def _picture(folder: Path, name: str, caption: str) -> str:
    if not name:
        return f"<figure><figcaption>{caption}: none</figcaption></figure>"
    data = base64.b64encode((folder / f"{name}.png").read_bytes()).decode()
    return f'<figure><figcaption>{caption}</figcaption><img alt="The diagram {caption.lower()} the change" src="data:image/png;base64,{data}"></figure>'


def _fact(value: FactValue | None) -> str:
    return f'{esc(value.shown)} (<a href="{esc(value.source)}">{esc(value.as_of)}</a>)' if value else "none"


def page(report: Report, base: Build, head: Build, pictures: Path) -> str:
    """Return the report as HTML; its links lead to the two builds in ``base/`` and ``head/`` beside it."""
    diagrams = [
        f"<h3>{esc(d.title)}</h3><p><code>/{esc(d.address)}</code></p>"
        f'<div class="pair">{_picture(pictures, d.before, "Before")}{_picture(pictures, d.after, "After")}</div>'
        for d in report.diagrams
    ]
    facts = [f"<h3>{esc(f.id)}</h3><p>{f.state}: {_fact(f.before)} → {_fact(f.after)}</p>" for f in report.facts]
    body = "".join(
        [
            _section("Pages", [_page(p, base, head) for p in report.pages]),
            _section("Diagrams", diagrams),
            _section("Facts", facts),
            _section("New warnings of the build", [f"<pre>{esc(w)}</pre>" for w in report.warnings]),
        ]
    )
    nothing = "<p>No page, diagram or fact changes for a reader, and no page weighs more or less.</p>"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>What this change does</title><style>{STYLE}</style></head><body><h1>What this change does</h1>"
        f"<p>Compared with <code>{report.base[:12]}</code>. Weight: a first visit, compressed.</p>{body or nothing}</body></html>\n"
    )
