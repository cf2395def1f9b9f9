"""Read the rules that tell which arrows of a page's diagram a request took; ``docs/assets/live.js`` applies them."""

from pathlib import Path
from typing import Any

from model.files import ROOT, read_yaml

SOURCE = ROOT / "docs" / "data" / "live" / "paths.yml"
Rule = dict[str, Any]


def load(source: Path = SOURCE) -> dict[str, list[Rule]]:
    """Return the rules of each example, in their order."""
    return dict(read_yaml(source))
