"""Find what cloudflared accepts and you do not want: a service without a token, a way past a closed path, a rule that never acts."""

import re
import string

from dialect import Refused, Rule, read

# Characters of a path, but no line break: what takes all of these takes everything.
EVERY_PATH = (
    "/",
    "/a",
    f"/{string.ascii_letters}/{string.digits}/ !\"$%&'()*+,-.:;=@[]^_`{{|}}~",
)
TAG = re.compile(r"[0-9a-f]{64}")
NAME = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")


# --8<-- [start:problems]
def problems(config: object) -> list[str]:
    """Return what would let a request through that should not pass, or never act."""
    try:
        rules = read(config)
    except Refused as error:
        return [str(error)]
    said = []
    for number, rule in enumerate(rules[:-1], start=1):
        found = [*_door(rule), *_never(rule, rules[: number - 1]), *_past(rule, rules)]
        said += [f"rule {number}: {problem}" for problem in found]
    if not rules[-1].closed:
        service = rules[-1].service
        said.append(
            f"the last rule sends every unknown hostname to {service}: answer http_status:404"
        )
    return said


def _door(rule: Rule) -> list[str]:
    """Who gets to the service, and whether it is the service."""
    said = []
    if rule.closed:
        return said
    if not rule.access.required:
        said.append("asks for no Access token: set access.required in the rule itself")
    elif not rule.access.tags or not all(map(TAG.fullmatch, rule.access.tags)):
        said.append("audTag names no application: put its AUD tag there")
    if rule.service in ("bastion", "socks-proxy"):
        said.append(f"{rule.service} lets the caller choose where to connect")
    if rule.origin.get("bastionMode") and rule.service != "bastion":
        said.append("bastionMode lets the caller choose where to connect")
    if rule.origin.get("noTLSVerify") and rule.service.startswith(
        ("https:", "wss:", "unix+tls:")
    ):
        said.append("noTLSVerify takes any certificate: set caPool and originServerName")
    return said


# --8<-- [end:problems]


def _never(rule: Rule, earlier: list[Rule]) -> list[str]:
    if not rule.any_host and not any(map(NAME.fullmatch, rule.names)):
        return [
            f"no request has the hostname {rule.names[0]!r}: write it as browsers send it"
        ]
    host = _sample(rule)
    for number, before in enumerate(earlier, start=1):
        hosts = before.any_host if rule.any_host else before.has_host(host)
        if hosts and (
            before.path == rule.path or all(before.fits(host, path) for path in EVERY_PATH)
        ):
            return [f"never reached, rule {number} takes its requests before"]
    return []


# --8<-- [start:past]
def _past(rule: Rule, rules: list[Rule]) -> list[str]:
    """Spell a closed path as many servers would understand it too, and see who takes it."""
    host, plain = _sample(rule), re.sub(r"\(\?\w*|\\\w", "", rule.path)
    for name in re.findall(r"[\w-]{2,}", plain):
        if not rule.fits(host, f"/{name}"):
            continue
        for path in (
            f"//{name}",
            f"/./{name}",
            f"/x/../{name}",
            f"/\\{name}",
            f"/{name.upper()}",
            f"/{name.title()}",
        ):
            taker = next(r for r in rules if r.fits(host, path))
            weaker = rule.closed or rule.access != taker.access
            if weaker and not taker.closed and taker != rule:
                return [
                    f"{path} goes past it to {taker.service}: write path: (?i)[/\\\\]{name}"
                ]
    return []


# --8<-- [end:past]


def _sample(rule: Rule) -> str:
    return "any" if rule.any_host else rule.names[-1].replace("*", "any")
