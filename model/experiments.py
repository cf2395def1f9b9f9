"""Show what an experiment measured: `<!-- experiment: kv-counter -->` becomes bars, a table, and the command that measures again.

The figures stand in `docs/data/experiments/<name>.json`, which only a test writes; so no page holds a measured figure by hand.
"""

import re
from typing import Any

from model.files import ROOT, GuideError, read_yaml

DATA = ROOT / "docs" / "data" / "experiments"
MARKS = {"wrong": "✗", "half": "~", "right": "✓"}


def command(name: str) -> str:
    """Return what a reader types to measure again."""
    return f"uv run pytest tests/experiments/test_{name.replace('-', '_')}.py"


def load(name: str) -> dict[str, Any]:
    """Return the figures of one experiment.

    Args:
        name: the experiment's folder.
    """
    path = DATA / f"{name}.json"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not path.is_file():
        known = ", ".join(sorted(p.stem for p in DATA.glob("*.json")))
        raise GuideError(
            f"nothing was measured for the experiment {name!r}. Known are {known}. "
            f"Correct the name, or measure it: `{command(name)} --update`."
        )
    try:
        data: dict[str, Any] = read_yaml(path, f"docs/data/experiments/{name}.json")
    except GuideError as error:
        raise GuideError(f"{error} Or write it anew: `{command(name)} --update`.") from error
    if any(len(row["values"]) != len(data["columns"]) for row in data["rows"]):
        raise GuideError(f"docs/data/experiments/{name}.json is damaged. Write it anew: `{command(name)} --update`.")
    return data
