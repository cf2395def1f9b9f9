"""Measure how fast the guide builds and loads, and compare with the limits that it sets itself.

One line, on a quiet machine, about ten minutes:  uv run python -m tools.bench
"""

import argparse
import json
import os
import sys
from typing import Any

from tools.bench import build, visit

PARTS = {"build": build.measure, "visits": visit.measure}
RUNS = 5


def judge(data: dict[str, Any]) -> list[str]:
    """Return in words what is over its limit."""
    ratio = data.get("build", {}).get("ratio", 0)
    checks = [(ratio <= 1.5, f"a build takes {ratio} times a bare one, not 1.5 or less")]
    for v in data.get("visits", []):
        checks += [
            (v["performance"] >= 97, f"{v['page']}: performance is {v['performance']}, not 97 or more"),
            (v["blocking_ms"] <= 100, f"{v['page']}: {v['blocking_ms']} ms blocking, not 100 or less"),
            (v["kb"] <= 120, f"{v['page']}: {v['kb']} kB, not 120 or less"),
            (v["shift"] == 0, f"{v['page']}: the page moves by {v['shift']}"),
            *((v[name] == 100, f"{v['page']}: {name} is {v[name]}, not 100") for name in visit.CATEGORIES[1:]),
        ]
    return [words for held, words in checks if not held]


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and return 1 when something is over its limit."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="measure only these")
    parser.add_argument("--runs", type=int, default=RUNS, help="the median of so many runs")
    options = parser.parse_args(arguments)
    data = {"load": os.getloadavg()[0], **{part: PARTS[part](options.runs) for part in options.only}}
    print(json.dumps(data, indent=1))
    over = judge(data)
    for words in over:
        print(f"over: {words}", file=sys.stderr)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
