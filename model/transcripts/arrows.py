"""Tell which arrows of a page's diagram a request took, by the rules of ``docs/data/live/paths.yml``.

``docs/assets/live.js`` applies the same rules in the browser.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from model.files import ROOT

SOURCE = ROOT / "docs" / "data" / "live" / "paths.yml"
KEYS = {"method", "status", "path", "code", "header", "body", "steps", "refused", "answered"}
Rule = dict[str, Any]


def load(source: Path = SOURCE) -> dict[str, list[Rule]]:
    """Return the rules of each example, in their order."""
    return dict(yaml.safe_load(source.read_text(encoding="utf-8")))


def code_of(body: str) -> str:
    """Return the code of an error in a body, empty where there is none."""
    try:
        return str(json.loads(body)["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""


def fits(rule: Rule, method: str, path: str, status: int, headers: Mapping[str, str], body: str) -> bool:
    """Say whether a rule fits an answer; header names are lower case."""
    checks: tuple[tuple[str, Callable[[Any], object]], ...] = (
        ("method", lambda value: method in _list(value)),
        ("status", lambda value: status in _list(value)),
        ("path", lambda value: re.search(value, path)),
        ("code", lambda value: re.fullmatch(value, code_of(body))),
        ("header", lambda value: all(re.search(v, headers.get(k, "")) for k, v in value.items())),
        ("body", lambda value: re.search(value, body)),
    )
    return all(name not in rule or check(rule[name]) for name, check in checks)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def find(rules: list[Rule], method: str, path: str, status: int, headers: Mapping[str, str], body: str) -> Rule | None:
    """Return the first rule that fits, or None."""
    return next((rule for rule in rules if fits(rule, method, path, status, headers, body)), None)
