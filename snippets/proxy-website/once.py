"""YAML in which each name stands once: PyYAML takes the last of two, and the first would be lost unseen."""

from typing import Any

import yaml


class Once(yaml.SafeLoader):
    """A loader that refuses a name which its mapping already has; the message names the line."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names: list[Any] = []
        for key, _ in node.value:
            if key.value in names:
                problem = f"'{key.value}' stands here twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            names.append(key.value)
        return super().construct_mapping(node, deep)


def load(text: str) -> Any:
    return yaml.load(text, Once)  # noqa: S506 - it is a safe one
