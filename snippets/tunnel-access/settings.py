"""What the settings of a configuration may hold: Go reads each into one type, and cloudflared starts with nothing else."""

import re
from fractions import Fraction
from reprlib import Repr
from typing import Any

SHORT = Repr()  # aliases of YAML can unfold to gigabytes
SHORT.maxlevel, SHORT.maxstring = 1, 60
Section = dict[str, Any]
UNITS_NS = {
    "ns": 1,
    "us": 10**3,
    "\u00b5s": 10**3,
    "\u03bcs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)", re.ASCII)
DURATION = re.compile(rf"[+-]?(?:0|(?:{PART.pattern})+)", re.ASCII)
LONGEST_NS = 2**63 - 1
LONGEST_CHARS = 100  # Go takes more, with zeros that nobody writes


class Refused(ValueError):
    """cloudflared does not start with this file; the message names the rule."""


# --8<-- [start:settings]
def is_duration(value: object) -> bool:
    """Say whether Go reads it, such as 1m30s: it counts nanoseconds in 64 bits."""
    if not isinstance(value, str) or len(value) > LONGEST_CHARS:
        return False
    parts = PART.findall(value)
    total = sum(Fraction(count) * UNITS_NS[unit] for count, unit in parts)
    return bool(DURATION.fullmatch(value)) and total <= LONGEST_NS


def is_number(value: object) -> bool:
    return type(value) is int and abs(value) <= LONGEST_NS


def is_port(value: object) -> bool:
    return type(value) is int and 0 <= value <= 65535  # Go takes more, and no socket does


def is_text(value: object) -> bool:
    return isinstance(value, str)


def is_switch(value: object) -> bool:
    return isinstance(value, bool)


KINDS = (
    (
        "connectTimeout tlsTimeout tcpKeepAlive keepAliveTimeout",
        is_duration,
        "a text such as 10s",
    ),
    ("keepAliveConnections", is_number, "a whole number"),
    ("proxyPort", is_port, "a whole number up to 65535"),
    (
        "noHappyEyeballs matchSNItoHost noTLSVerify http2Origin bastionMode enabled allow",
        is_switch,
        "true or false",
    ),
    ("disableChunkedEncoding", is_switch, "true or false"),
    (
        "caPool httpHostHeader originServerName proxyAddress proxyType prefix",
        is_text,
        "a text, in quotes",
    ),
)
FORMS = {name: (fits, kind) for names, fits, kind in KINDS for name in names.split()}


def check(given: Section, where: str) -> None:
    """Read the settings as Go does.

    Raises:
        Refused: one holds something else than its type.
    """
    for name, (fits, kind) in FORMS.items():
        value = given.get(name)
        if value is not None and not fits(value):
            raise Refused(f"{where}: {name} is {brief(value)}: write {kind}")
    for rule in sequence(given.get("ipRules"), f"{where}: ipRules"):
        one = section(rule, f"{where}: ipRules")
        check(one, f"{where}: ipRules")
        if not all(map(is_number, sequence(one.get("ports"), f"{where}: ipRules: ports"))):
            raise Refused(f"{where}: ipRules: ports are whole numbers")


# --8<-- [end:settings]


def brief(value: object) -> str:
    return SHORT.repr(value)


def section(value: object, where: str) -> Section:
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise Refused(f"{where}: expected names and values, found {brief(value)}")


def sequence(value: object, where: str) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise Refused(f"{where}: expected a list, found {brief(value)}")


def text(given: Section, name: str, where: str) -> str:
    value = given.get(name)
    if value is None or isinstance(value, str):
        return value or ""
    raise Refused(f"{where}: {name} is {brief(value)}: put it into quotes")
