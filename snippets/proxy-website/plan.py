"""Compare a zone with what it should be, and return the steps between: pure functions, no network."""

from dataclasses import dataclass
from typing import Any

MARK = "site-setup"
ADDRESSES = {"A", "AAAA", "CNAME"}
Phases = dict[str, list[dict[str, Any]]]


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
        kind, name = record["type"], record["name"]
        what = f"record {kind} {name}"
        found = [p for p in present if (p["name"], p["type"]) == (name, kind)]
        others = [p for p in present if p["name"] == name and p["type"] in ADDRESSES - {kind}]
        rivals = [p["type"] for p in others if p.get("comment") != MARK]
        if rivals:
            beside = f"record {rivals[0]} {name} stands beside the wanted {kind}"
            raise NotOurs(f"{beside}: delete it, or plan it too")
        if not found:
            steps.append(Step("create", f"{what} -> {record['content']}", goal))
        elif len(found) > 1 or found[0].get("comment") != MARK:
            remedy = f"delete it, or set its comment to '{MARK}'"
            raise NotOurs(f"{what} exists and is not ours: {remedy}")
        elif any(found[0].get(key) != value for key, value in goal.items()):
            change = {"id": found[0]["id"], **goal}
            steps.append(Step("edit", f"{what} -> {record['content']}", change))
    return steps


# --8<-- [end:records]


# --8<-- [start:rules]
def rule_steps(wanted: Phases, present: Phases) -> list[Step]:
    """Return one step for each phase whose rules of ours differ; those of others stay."""
    steps = []
    for phase, rules in wanted.items():
        others = [rule for rule in present[phase] if not _is_ours(rule)]
        ours = [rule for rule in present[phase] if _is_ours(rule)]
        there = [_same_keys(rule, goal) for rule, goal in zip(ours, rules, strict=False)]
        if there != rules or len(ours) != len(rules):
            what = f"{phase}: {len(rules)} of ours, {len(others)} of others kept"
            steps.append(Step("rules", what, {"phase": phase, "rules": [*others, *rules]}))
    return steps


def _is_ours(rule: dict[str, Any]) -> bool:
    return str(rule.get("ref", "")).startswith(MARK)


def _same_keys(rule: dict[str, Any], goal: dict[str, Any]) -> dict[str, Any]:
    """What the API adds to a rule (id, version, times) is no difference."""
    return {key: rule.get(key) for key in goal}


# --8<-- [end:rules]


def setting_steps(wanted: dict[str, str], present: dict[str, str]) -> list[Step]:
    return [
        # What the API answers must forge no line of the plan.
        Step(
            "setting",
            f"{name}: {ascii(present[name])[1:-1]} -> {value}",
            {"name": name, "value": value},
        )
        for name, value in wanted.items()
        if present[name] != value
    ]


def lock_steps(certificate: str, key: str, present: list[str], enabled: bool) -> list[Step]:
    """Return the steps for Authenticated Origin Pulls with an own certificate."""
    steps = []
    if "".join(certificate.split()) not in {"".join(p.split()) for p in present}:
        steps.append(
            Step(
                "certificate",
                "upload the client certificate",
                {"certificate": certificate, "private_key": key},
            )
        )
    if not enabled:
        steps.append(Step("lock", "turn Authenticated Origin Pulls on", {}))
    return steps
