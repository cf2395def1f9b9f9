"""Read YAML as fast as this machine can."""

from typing import Any

import yaml

LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(text: str) -> Any:
    """Return what a YAML text holds: plain data, never objects of a class."""
    return yaml.load(text, LOADER)  # noqa: S506 - both loaders are safe ones
