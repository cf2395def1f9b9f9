"""The pins of the project: where each is written, and how a newer version takes its place."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PYTHON = re.compile(r'"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^"]+)"')
NPM = re.compile(r'"(?P<name>(?!version")(?:@[\w.-]+/)?[\w.-]+)": "(?P<version>\d+\.\d+\.\d+[\w.-]*)"')
ACTION = re.compile(r"uses: (?P<name>[\w.-]+/[\w.-]+)@(?P<hash>[0-9a-f]{40}) # v(?P<version>\d+\.\d+\.\d+)")
TAG = re.compile(r"^(?P<hash>[0-9a-f]{40})\trefs/tags/v(?P<version>\d+\.\d+\.\d+)(?P<peeled>\^\{\})?$", re.M)


@dataclass(frozen=True)
class Pin:
    """One package at one version.

    Attributes:
        kind: ``python``, ``npm`` or ``action``.
        name: as its registry calls it.
        version: without a leading v.
    """

    kind: str
    name: str
    version: str


def written(root: Path) -> dict[Path, tuple[str, re.Pattern[str]]]:
    """Return each file that holds pins, with their kind and the pattern that finds them."""
    workflows = sorted((root / ".github" / "workflows").glob("*.yml"))
    manifests = [root / "package.json", *sorted((root / "snippets").glob("*/package.json"))]
    return {
        root / "pyproject.toml": ("python", PYTHON),
        **dict.fromkeys(manifests, ("npm", NPM)),
        **dict.fromkeys(workflows, ("action", ACTION)),
    }


def pins(root: Path) -> list[Pin]:
    """Return every pin once, in the order in which the files name them."""
    found = [
        Pin(kind, match["name"], match["version"])
        for path, (kind, pattern) in written(root).items()
        for match in pattern.finditer(path.read_text(encoding="utf-8"))
    ]
    return list(dict.fromkeys(found))


def newest_tag(listing: str) -> tuple[str, str] | None:
    """Return version and commit of the newest release in what ``git ls-remote --tags`` prints, or None."""
    found: dict[tuple[int, ...], tuple[str, str]] = {}
    for tag in TAG.finditer(listing):
        place = tuple(map(int, tag["version"].split(".")))
        # An annotated tag is listed twice; the line that is peeled names the commit.
        if place not in found or tag["peeled"]:
            found[place] = tag["version"], tag["hash"]
    return found[max(found)] if found else None


def replaced(text: str, pattern: re.Pattern[str], old: Pin, version: str, commit: str = "") -> str:
    """Return a file's text with another version of one package, for an action with the commit of its release."""

    def replace(match: re.Match[str]) -> str:
        if (match["name"], match["version"]) != (old.name, old.version):
            return match[0]
        new = match[0].replace(match["hash"], commit) if commit else match[0]
        start = new.rindex(old.version)
        return new[:start] + version + new[start + len(old.version) :]

    return pattern.sub(replace, text)


def take(root: Path, old: Pin, version: str, commit: str = "") -> None:
    """Write a newer version of one package into every file that pins it."""
    for path in places(root, old):
        _, pattern = written(root)[path]
        path.write_text(replaced(path.read_text(encoding="utf-8"), pattern, old, version, commit), encoding="utf-8")


def places(root: Path, pin: Pin) -> Iterator[Path]:
    """Yield the files that pin a package."""
    for path, (kind, pattern) in written(root).items():
        if kind == pin.kind and any(m["name"] == pin.name for m in pattern.finditer(path.read_text(encoding="utf-8"))):
            yield path
