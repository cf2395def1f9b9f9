"""Say what Gateway would do with sample traffic, in Gateway's order, and compare it with what is expected.

    uv run python snippets/secure-egress/verdicts.py snippets/secure-egress/traffic.yml

Exit code 0: every row is as expected; 1: a row differs; 2: the file cannot be read.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import once
from policies import Policy, load
from wirefilter import Evaluator, Value


@dataclass(frozen=True)
class Verdict:
    """What happens to a request, and which policy decided; ``default`` where none did."""

    action: str
    policy: str


Request = dict[str, Value]


# --8<-- [start:order]
def verdict(request: Request, policies: list[Policy], lists: dict[str, list[str]]) -> Verdict:
    """Return what becomes of a request.

    Order in force since 2025-07-14: DNS, egress, network, HTTP. A request without
    ``dns.domains`` goes straight to an address: no DNS policy sees it.
    """

    def first(stage: str, *actions: str) -> Policy | None:
        for p in policies:
            asked = p.stage == stage and (not actions or p.action in actions)
            if asked and all(Evaluator(c, request, lists).holds() for c in p.conditions):
                return p
        return None

    if "dns.domains" in request and (hit := first("dns")) and hit.action == "block":
        return Verdict("block", hit.name)
    address = first("egress")
    if (hit := first("l4")) and hit.action == "block":
        return Verdict("block", hit.name)
    if hit := first("http", "off"):
        return Verdict("pass unseen", hit.name)
    if hit := first("http", "allow", "block"):
        return Verdict(hit.action, hit.name)
    return Verdict("allow", address.name if address else "default")


# --8<-- [end:order]


FORM = (
    "give what, request, expect and by: texts, and in a request also whole numbers and lists"
)


def rows(path: Path) -> list[dict[str, Any]]:
    """Return the sample traffic.

    Raises:
        ValueError: it has another shape; the message names the row.
    """
    found = once.load(path)
    if not isinstance(found, list) or not found:
        raise ValueError("the file is no list of requests")
    for number, row in enumerate(found, start=1):
        if not _has_form(row):
            raise ValueError(f"row {number}: {FORM}")
    return found


def _has_form(row: object) -> bool:
    if not isinstance(row, dict) or row.keys() != {"what", "request", "expect", "by"}:
        return False
    request = row["request"]
    if not isinstance(request, dict):
        return False
    texts = [row["what"], row["expect"], row["by"], *request]
    values = [
        v for one in request.values() for v in (one if isinstance(one, list) else [one])
    ]
    whole = all(type(value) in (str, int) for value in values)
    return whole and all(isinstance(text, str) for text in texts)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: verdicts.py TRAFFIC", file=sys.stderr)
        return 2
    try:
        policies, lists = load()
        # The feed fills this list at run time; the sample stands for its content.
        lists["blocked"] = ["phish.example"]
        found = [
            (
                row["what"],
                verdict(row["request"], policies, lists),
                Verdict(row["expect"], row["by"]),
            )
            for row in rows(Path(arguments[0]))
        ]
    except (AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        print(f"cannot try the traffic: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    wrong = 0
    for what, got, wanted in found:
        right = got == wanted
        wrong += not right
        print(f"{'ok  ' if right else 'FAIL'} {what}: {got.action}, by {got.policy}")
        if not right:
            print(f"     expected: {wanted.action}, by {wanted.policy}")
    print(f"{len(found)} requests, {wrong} not as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
