"""The worksheet of an inventory, read so that every part knows its line."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any, TypeVar

import yaml

import once

CONNECTORS = ("tunnel", "mesh", "wan")
CERTIFICATE_STATES = ("none", "test-group", "everywhere")
T = TypeVar("T")


class WorksheetError(ValueError):
    """The worksheet cannot be read; the message names file, line and remedy."""


# --8<-- [start:shape]
@dataclass(frozen=True)
class Range:
    network: IPv4Network
    line: int


@dataclass(frozen=True)
class Site:
    name: str
    connector: str
    replicas: int
    ranges: tuple[Range, ...]
    line: int


@dataclass(frozen=True)
class Application:
    name: str
    site: str
    address: IPv4Address
    port: int
    owner: str
    groups: tuple[str, ...]
    stage: int
    starts_connections: bool
    line: int


@dataclass(frozen=True)
class Inventory:
    people: int
    identity_provider: str
    device_management: str
    root_certificate: str
    done: frozenset[str]
    sites: tuple[Site, ...]
    applications: tuple[Application, ...]
    excluded: tuple[Range, ...]


# --8<-- [end:shape]


class _Lines(once.Once):
    """A loader that tells each mapping the lines of its keys, and its own under the empty key, in ``lines``."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        found = super().construct_mapping(node, deep)
        lines = {"": node.start_mark.line + 1} | {
            key.value: key.start_mark.line + 1 for key, _ in node.value
        }
        return {**found, "lines": lines}


class _Part:
    """One mapping of the worksheet; taking a field checks it, and what is left over at the end is unknown."""

    def __init__(self, place: str, found: Any) -> None:
        if not isinstance(found, dict):
            raise WorksheetError(f"{place}: write 'name: value' pairs here")
        self._lines: dict[str, int] = found["lines"]
        self.line = self._lines[""]
        self._file = place.split(":", maxsplit=1)[0]
        self._left = {k: v for k, v in found.items() if k != "lines"}

    def take(self, name: str, kind: type[T], default: T | None = None) -> T:
        value = self._left.pop(name, default)
        if value is None:
            raise self.error(f"add '{name}'")
        if type(value) is not kind:
            raise self.error(
                f"'{name}' takes {kind.__name__}, this is {type(value).__name__}", name
            )
        return value

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        value = self.take(name, str)
        if value not in allowed:
            raise self.error(
                f"'{name}' is one of {', '.join(allowed)}; this is '{value}'", name
            )
        return value

    def parts(self, name: str) -> "list[_Part]":
        return [
            _Part(f"{self._file}:{self._lines.get(name, self.line)}: {name}", item)
            for item in self.take(name, list)
        ]

    def texts(self, name: str) -> list[str]:
        found = self.take(name, list)
        if not all(isinstance(text, str) for text in found):
            raise self.error(f"'{name}' holds texts only", name)
        return found

    def end(self) -> None:
        if self._left:
            raise self.error(
                f"remove or rename {', '.join(map(str, self._left))}", next(iter(self._left))
            )

    def error(self, remedy: str, name: str = "") -> WorksheetError:
        return WorksheetError(f"{self._file}:{self._lines.get(name, self.line)}: {remedy}")


def load(path: Path) -> Inventory:
    """Read a worksheet.

    Raises:
        WorksheetError: the file is no YAML, or a part of it has not the shape that this file describes.
    """
    try:
        top = _Part(f"{path.name}:1", once.load(path, _Lines))
    except once.Unreadable as error:
        raise WorksheetError(str(error)) from error
    top.take("company", str)
    inventory = Inventory(
        top.take("people", int),
        top.take("identity_provider", str),
        top.take("device_management", str),
        top.choice("root_certificate", CERTIFICATE_STATES),
        frozenset(top.texts("done")),
        tuple(map(_site, top.parts("sites"))),
        tuple(map(_application, top.parts("applications"))),
        tuple(
            _range(part, "address", why=True) for part in top.parts("split_tunnel_exclude")
        ),
    )
    top.end()
    return inventory


def _site(part: _Part) -> Site:
    connector = part.choice("connector", CONNECTORS)
    ranges = tuple(_range(r, "range") for r in part.parts("ranges"))
    site = Site(
        part.take("name", str), connector, part.take("replicas", int, 1), ranges, part.line
    )
    part.end()
    return site


def _range(part: _Part, name: str, why: bool = False) -> Range:
    text = part.take(name, str)
    if why:
        part.take("why", str)
    part.end()
    try:
        network = IPv4Network(text)
    except ValueError as error:
        raise part.error(f"'{text}' is no network: {error}") from error
    if str(network) != text:
        raise part.error(f"write '{text}' as {network}")
    return Range(network, part.line)


def _application(part: _Part) -> Application:
    text = part.take("address", str)
    try:
        address = IPv4Address(text)
    except ValueError as error:
        raise part.error(f"'{text}' is no IPv4 address") from error
    application = Application(
        part.take("name", str),
        part.take("site", str),
        address,
        part.take("port", int),
        part.take("owner", str),
        tuple(part.texts("groups")),
        part.take("stage", int),
        part.take("starts_connections", bool, False),
        part.line,
    )
    part.end()
    return application
