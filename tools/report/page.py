"""Write a report as one HTML file that holds its pictures and the changed lines of each page."""

import base64
import html
from pathlib import Path

from markdown import markdown as to_html

from tools.report.compare import Build, text_change
from tools.report.data import PageChange, Report
from tools.report.markdown import markdown

LINES = 60
STYLE = """
:root{color-scheme:light dark;--line:#8886;--came:#1a7f37;--went:#b3261e}
@media (prefers-color-scheme:dark){:root{--came:#4ac26b;--went:#ff8a80}}
body{font:16px/1.5 system-ui,sans-serif;max-width:80rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem}h3{font-size:1.25rem}table{border-collapse:collapse;display:block;overflow-x:auto}
th,td{border-top:1px solid var(--line);padding:.25rem .75rem .25rem 0;text-align:left;vertical-align:top}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.85rem}
ins{color:var(--came);text-decoration:none}del{color:var(--went);text-decoration:none}
img{max-width:min(100%,40rem);background:#fff;border:1px solid var(--line)}
"""


def _changes(page: PageChange, base: Build, head: Build) -> str:
    """Return the lines of a page that came and went, or nothing where none did."""
    changed = text_change(base.twins.get(page.old or page.address, ""), head.twins.get(page.address, ""))
    if page.state not in ("changed", "moved") or not changed:
        return ""
    rows = [
        f"<{tag}>{html.escape(line)}</{tag}>"
        for line in changed[:LINES]
        for tag in ["ins" if line.startswith("+") else "del"]
    ]
    if len(changed) > LINES:
        rows.append(f"And {len(changed) - LINES} more lines.")
    name = html.escape(page.title or page.address)
    return f"<details open><summary>{name}: +{page.more} −{page.less} lines</summary><pre>{chr(10).join(rows)}</pre></details>"


def page(report: Report, base: Build, head: Build, pictures: Path) -> str:
    """Return the report as HTML; its links lead to the two builds in ``base/`` and ``head/`` beside it."""

    def picture(name: str) -> str:
        return f"data:image/png;base64,{base64.b64encode((pictures / f'{name}.png').read_bytes()).decode()}"

    text = markdown(report, lambda a: f"head/{a}index.html", lambda a: f"base/{a}index.html", picture)
    body = to_html(text, extensions=["tables"]) + "".join(_changes(p, base, head) for p in report.pages)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>What this change does</title><style>{STYLE}</style></head><body><h1>What this change does</h1>"
        f"<p>Compared with <code>{report.base[:12]}</code>. Weight: a first visit, compressed.</p>{body}</body></html>\n"
    )
