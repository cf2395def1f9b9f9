"""YAML in which each name stands once: PyYAML takes the last of two, and the first would be lost unseen."""

from pathlib import Path
from typing import Any

import yaml


class Unreadable(ValueError):
    """A file is no such YAML; the message is one line and names file and line."""


class Once(yaml.SafeLoader):
    """A loader that refuses a name which its mapping already has; the message names the line."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names: list[Any] = []
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else []:
            if key.value in names:
                problem = f"{key.value!r} stands here twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            names.append(key.value)
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # Such as a day that no month has: PyYAML leaves it to what Python says.
            problem = f"this is no value of {node.tag!r}"
            raise yaml.MarkedYAMLError(
                problem=problem, problem_mark=node.start_mark
            ) from error


def load(path: Path, loader: type[Once] = Once) -> Any:
    """Return what a file holds.

    Raises:
        OSError: it cannot be opened.
        Unreadable: it is no YAML in UTF-8, a name stands twice, or it is nested too deep.
    """
    data = path.read_bytes()
    try:
        return yaml.load(data.decode(), loader)  # noqa: S506 - it is a safe one
    except UnicodeDecodeError as error:
        line, problem = data.count(b"\n", 0, error.start) + 1, "not UTF-8"
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = error.problem or "this is no YAML"
    except yaml.reader.ReaderError as error:
        line = data.decode().count("\n", 0, error.position) + 1
        problem = "a character that YAML does not know"
    except RecursionError:
        line, problem = 1, "this is nested too deep"
    raise Unreadable(f"{path.name}:{line}: {problem}")
