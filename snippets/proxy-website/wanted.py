"""What a zone should be, as ``zone.yml`` says; what no run could ever reach is refused before the first."""

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import once
from plan import MARK

NAME = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)+")


def load(path: Path) -> dict[str, Any]:
    """Return records, settings and rules.

    Raises:
        OSError: the file cannot be opened.
        Unreadable: it is no YAML, or has another shape; the message names file and place.
    """
    found = once.load(path)
    try:
        _check(found)
    except ValueError as error:
        raise once.Unreadable(f"{path.name}: {error}") from error
    return dict(found)


def _check(found: Any) -> None:
    """The API keeps one form of a value. From another one, each run would see a difference."""
    if not isinstance(found, dict) or found.keys() != {"records", "settings", "rules"}:
        raise ValueError("give records, settings and rules, and nothing else")
    records, settings, rules = found["records"], found["settings"], found["rules"]
    if not isinstance(records, list) or not isinstance(settings, dict):
        raise ValueError("records is a list, and settings are names and texts")
    keys = [_record(f"record {number}", each) for number, each in enumerate(records, start=1)]
    if len(set(keys)) < len(keys):
        raise ValueError("a name has one record of each type here")
    for name, value in settings.items():
        # In YAML, on is a truth value, and 1.2 a number.
        if not isinstance(value, str):
            kind = type(value).__name__
            raise ValueError(
                f"settings: {name} takes a text, this is {kind}: put it into quotes"
            )
    if not isinstance(rules, dict):
        raise ValueError("rules are phases, each with a list of rules")
    for phase, some in rules.items():
        refs = [r.get("ref") for r in some] if _is_list_of_names(some) else [None]
        marked = all(isinstance(ref, str) and ref.startswith(MARK) for ref in refs)
        if not marked or len(set(refs)) < len(refs):
            raise ValueError(f"{phase}: a list of rules, each with its own ref like {MARK}-1")


def _record(place: str, record: Any) -> tuple[str, str]:
    if not _is_list_of_names([record]) or record.keys() != {"name", "type", "content"}:
        raise ValueError(f"{place}: give name, type and content, and nothing else")
    name, kind, content = record["name"], record["type"], record["content"]
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(f"{place}: write the whole name, in lower case and ASCII")
    if not _is_content(kind, content):
        form = "A or AAAA with an address in its short form, or CNAME with a name"
        raise ValueError(f"{place}: give {form}")
    return name, kind


def _is_content(kind: object, content: object) -> bool:
    if not isinstance(content, str) or kind not in ("A", "AAAA", "CNAME"):
        return False
    if kind == "CNAME":
        return bool(NAME.fullmatch(content))
    try:
        address = ip_address(content)
    except ValueError:
        return False
    return str(address) == content and address.version == (4 if kind == "A" else 6)


def _is_list_of_names(found: object) -> bool:
    return isinstance(found, list) and all(isinstance(one, dict) for one in found)
