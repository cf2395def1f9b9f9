"""What tests watch while a page is read: whether it moves, what axe finds."""

from runtime import toolchain
from runtime.browser import Visit

AXE = toolchain.NODE_MODULES / "axe-core" / "axe.min.js"


def axe(visit: Visit, *rules: str) -> list[list]:
    """Return what axe finds on the open page, by these rules or by all: rule and elements."""
    if not visit.page.evaluate("'axe' in window"):
        visit.page.evaluate(AXE.read_text(encoding="utf-8"))  # no policy of a page refuses it
    return visit.page.evaluate(
        """(rules) => axe.run(rules.length ? { runOnly: rules } : {})
          .then((r) => r.violations.map((v) => [v.id, v.nodes.map((n) => n.target.join(' '))]))""",
        rules,
    )


WATCH_SHIFTS = """
window.shift = 0;
new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.shift += entry.value; })
  .observe({ type: "layout-shift", buffered: true });
"""
