"""YAML in which each name stands once: PyYAML takes the last of two, and the first would be lost unseen."""

from typing import Any

import yaml


class Unreadable(ValueError):
    """A text is no such YAML; the message is one line and names the line."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line, self.problem = line, problem


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


def load(text: str, loader: type[Once] = Once) -> Any:
    """Return what a text holds.

    Raises:
        Unreadable: it is no YAML, a name stands twice, or it is nested too deep.
    """
    try:
        return yaml.load(text, loader)  # noqa: S506 - it is a safe one
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Unreadable(line, error.problem or "this is no YAML") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Unreadable(line, "a character that YAML does not know") from error
    except RecursionError as error:
        raise Unreadable(1, "this is nested too deep") from error
