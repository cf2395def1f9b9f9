"""Measure how fast the guide builds and loads, and compare with the limits that it sets itself.

One line, on a quiet machine, about fifteen minutes:  uv run python -m tools.bench
"""

import argparse
import datetime
import json
import os
import platform
import sys
from typing import Any

from tools.bench import build as bench_build
from tools.bench import serve as bench_serve
from tools.bench import visit as bench_visit

PARTS = ("build", "serve", "visit")
SIZES = (100, 300, 1000)
RUNS = 5


def judge(data: dict[str, Any]) -> list[str]:
    """Return in words what is over its limit."""
    heavy = data.get("visits", [])
    rows = data.get("build", [])
    checks = [
        *(
            (
                row["ratio"] <= 1.5,
                f"the build of {row['pages']} pages takes {row['ratio']} times a bare one, not 1.5 or less",
            )
            for row in rows
        ),
        *((v["performance"] >= 97, f"{v['page']}: performance is {v['performance']}, not 97 or more") for v in heavy),
        *((v["blocking_ms"] <= 100, f"{v['page']}: {v['blocking_ms']} ms blocking, not 100 or less") for v in heavy),
        *((v["kb"] <= 120, f"{v['page']}: {v['kb']} kB, not 120 or less") for v in heavy),
        *((v["shift"] == 0, f"{v['page']}: the page moves by {v['shift']}") for v in heavy),
        *((v[c] == 100, f"{v['page']}: {c} is {v[c]}, not 100") for v in heavy for c in bench_visit.CATEGORIES[1:]),
        (
            data.get("second_page_ms", 0) < 100,
            f"a second page takes {data.get('second_page_ms')} ms, not less than 100",
        ),
        (data.get("edit_s", 0) <= 3, f"an edit shows after {data.get('edit_s')} s, not 3 or less"),
    ]
    return [words for held, words in checks if not held]


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and return 1 when something is over its limit."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="measure only these")
    parser.add_argument("--runs", type=int, default=RUNS, help="the median of so many runs")
    options = parser.parse_args(arguments)
    load = os.getloadavg()[0]
    busy = f", at the same time busy with other work (load {load:.0f})" if load > 1 else ""
    cpu = f"{os.cpu_count()} cores, Python {platform.python_version()}{busy}"
    data: dict[str, Any] = {"date": datetime.date.today().isoformat(), "machine": cpu, "runs": options.runs}
    if "build" in options.only:
        data["build"] = bench_build.measure(SIZES, options.runs)
    if "serve" in options.only:
        data["edit_s"] = bench_serve.measure(options.runs)
    if "visit" in options.only:
        data |= bench_visit.measure(options.runs)
    print(json.dumps(data, indent=1))
    over = judge(data)
    for words in over:
        print(f"over: {words}", file=sys.stderr)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
