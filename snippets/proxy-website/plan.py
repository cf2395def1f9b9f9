"""Compare a zone with what it should be, and return the steps between: pure functions, no network."""

from dataclasses import dataclass
from typing import Any

MARK = "site-setup"
ADDRESSES = {"A", "AAAA", "CNAME"}


@dataclass(frozen=True)
class Step:
    """One change.

    Attributes:
        kind: ``setting``, ``rules``, ``certificate``, ``lock``, ``create`` or ``edit``.
        what: what it changes, for the person who is asked.
        data: what the API gets.
    """

    kind: str
    what: str
    data: dict[str, Any]


class NotOurs(Exception):
    """Something stands in the way that this script did not make; the message names it."""


# --8<-- [start:records]
def record_steps(wanted: list[dict[str, Any]], present: list[dict[str, Any]]) -> list[Step]:
    """Return the steps for the DNS records.

    Raises:
        NotOurs: a record that answers for that name exists without the script's mark.
    """
    steps = []
    for record in wanted:
        goal = {**record, "proxied": True, "ttl": 1, "comment": MARK}
        found = [p for p in present if (p["name"], p["type"]) == (record["name"], record["type"])]
        rivals = [p for p in present if p["name"] == record["name"] and p["type"] in ADDRESSES - {record["type"]} and p.get("comment") != MARK]
        if rivals:
            raise NotOurs(f"record {rivals[0]['type']} {record['name']} stands beside the wanted {record['type']}: delete it, or plan it too")
        if not found:
            steps.append(Step("create", f"record {record['type']} {record['name']} -> {record['content']}", goal))
        elif len(found) > 1 or found[0].get("comment") != MARK:
            raise NotOurs(f"record {record['type']} {record['name']} exists and is not ours: delete it, or set its comment to '{MARK}'")
        elif any(found[0].get(key) != value for key, value in goal.items()):
            steps.append(Step("edit", f"record {record['type']} {record['name']} -> {record['content']}", {"id": found[0]["id"], **goal}))
    return steps
# --8<-- [end:records]


# --8<-- [start:rules]
def rule_steps(wanted: dict[str, list[dict[str, Any]]], present: dict[str, list[dict[str, Any]]]) -> list[Step]:
    """Return one step for each phase whose rules of ours differ. Rules of others keep their place and content."""
    steps = []
    for phase, rules in wanted.items():
        others = [rule for rule in present[phase] if not str(rule.get("ref", "")).startswith(MARK)]
        ours = [rule for rule in present[phase] if str(rule.get("ref", "")).startswith(MARK)]
        if [_same_keys(rule, goal) for rule, goal in zip(ours, rules, strict=False)] != rules or len(ours) != len(rules):
            what = f"{phase}: {len(rules)} of ours, {len(others)} of others kept"
            steps.append(Step("rules", what, {"phase": phase, "rules": [*others, *rules]}))
    return steps


def _same_keys(rule: dict[str, Any], goal: dict[str, Any]) -> dict[str, Any]:
    """What the API adds to a rule (id, version, times) is no difference."""
    return {key: rule.get(key) for key in goal}
# --8<-- [end:rules]


def setting_steps(wanted: dict[str, str], present: dict[str, str]) -> list[Step]:
    return [
        Step("setting", f"{name}: {present[name]} -> {value}", {"name": name, "value": value})
        for name, value in wanted.items()
        if present[name] != value
    ]


def lock_steps(certificate: str, key: str, present: list[str], enabled: bool) -> list[Step]:
    """Return the steps for Authenticated Origin Pulls with an own certificate."""
    steps = []
    if "".join(certificate.split()) not in {"".join(p.split()) for p in present}:
        steps.append(Step("certificate", "upload the client certificate", {"certificate": certificate, "private_key": key}))
    if not enabled:
        steps.append(Step("lock", "turn Authenticated Origin Pulls on", {}))
    return steps
