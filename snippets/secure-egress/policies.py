"""Read the policies and lists out of the Terraform files, so that what is tried is what is deployed."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hcl2

from wirefilter import ExpressionError

FOLDER = Path(__file__).with_name("terraform")


@dataclass(frozen=True)
class Policy:
    """One Gateway policy.

    Attributes:
        name: its name in the dashboard.
        stage: ``dns``, ``egress``, ``l4`` or ``http``.
        action: what it does with what it matches.
        precedence: lower numbers run first, within a stage.
        conditions: its expressions on traffic, identity and device posture; all of them must hold.
    """

    name: str
    stage: str
    action: str
    precedence: int
    conditions: tuple[str, ...]


# --8<-- [start:load]
def load(folder: Path = FOLDER) -> tuple[list[Policy], dict[str, list[str]]]:
    """Return the policies in the order in which Gateway reads them, and the lists by their Terraform name."""
    policies, lists = [], {}
    for path in sorted(folder.glob("*.tf")):
        for resource in hcl2.loads(path.read_text(encoding="utf-8")).get("resource", []):
            for kind, named in resource.items():
                for name, body in named.items():
                    if (
                        _text(kind) == "cloudflare_zero_trust_gateway_policy"
                        and body["enabled"]
                    ):
                        policies.append(_policy(body))
                    elif _text(kind) == "cloudflare_zero_trust_list":
                        lists[_text(name)] = [
                            _text(item["value"]) for item in body.get("items", [])
                        ]
    return sorted(policies, key=lambda p: (STAGES.index(p.stage), p.precedence)), lists


# --8<-- [end:load]


STAGES = ("dns", "egress", "l4", "http")
FORMAT = re.compile(
    r'\$\{format\(\s*(?P<text>".*")(?P<ids>(?:,\s*cloudflare_\w+\.\w+\.id)+)\s*\)\}', re.S
)
ESCAPE = re.compile(
    r'\\(?:(?P<letter>[nrt])|u(?P<code>[0-9A-Fa-f]{4}))|(?:\\(?=["\\])|\$(?=\$\{)|%(?=%\{))(?P<sign>.)'
)


def _policy(body: dict[str, Any]) -> Policy:
    conditions = tuple(
        _expression(str(body[key]))
        for key in ("traffic", "identity", "device_posture")
        if key in body
    )
    return Policy(
        _text(body["name"]),
        _text(body["filters"][0]),
        _text(body["action"]),
        body["precedence"],
        conditions,
    )


def _text(value: str) -> str:
    """Return what Terraform makes of a text: the quotes and the escapes are its own."""
    if not (value.startswith('"') and value.endswith('"')):
        raise ExpressionError(f"{value[:40]}: write a text in quotes here")
    return ESCAPE.sub(_unescaped, value[1:-1])


def _unescaped(found: re.Match[str]) -> str:
    if code := found["code"]:
        return chr(int(code, 16))
    return found["sign"] or {"n": "\n", "r": "\r", "t": "\t"}[found["letter"]]


def _expression(value: str) -> str:
    """Return the expression that Terraform would send, with resource names in the place of ids."""
    call = FORMAT.fullmatch(value)
    if not call:
        return _text(value)
    return _text(call["text"]) % tuple(re.findall(r"\.(\w+)\.id", call["ids"]))
