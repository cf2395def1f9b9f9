"""Show what an experiment measured: `<!-- experiment: kv-counter -->` becomes bars, a table, and the command that measures again.

The figures stand in `docs/data/experiments/<name>.json`, which only a test writes; so no page holds a measured figure by hand.
"""

import json
import re
from typing import Any

from model.files import ROOT, GuideError

DATA = ROOT / "docs" / "data" / "experiments"
FIELDS = {"what", "date", "machine", "columns", "rows"}
MARKS = {"wrong": "✗", "half": "~", "right": "✓"}


def command(name: str) -> str:
    """Return what a reader types to measure again."""
    return f"uv run pytest tests/experiments/test_{name.replace('-', '_')}.py"


def load(name: str) -> dict[str, Any]:
    """Return the figures of one experiment.

    Args:
        name: the experiment's folder.

    Raises:
        GuideError: there are none, or the file is not what a test writes.
    """
    path = DATA / f"{name}.json"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not path.is_file():
        known = ", ".join(sorted(p.stem for p in DATA.glob("*.json")))
        raise GuideError(
            f"nothing was measured for the experiment {name!r}. Known are {known}. "
            f"Correct the name, or measure it: `{command(name)} --update`."
        )
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        data = {}
    fits = data.keys() >= FIELDS and all(
        row["side"] in MARKS and len(row["values"]) == len(data["columns"]) for row in data["rows"]
    )
    if not fits:
        raise GuideError(f"docs/data/experiments/{name}.json is damaged. Write it anew: `{command(name)} --update`.")
    return data
