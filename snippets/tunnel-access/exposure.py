"""Find what cloudflared accepts and you do not want: a service without a token, a way past a closed path, a rule that never acts."""

import re
import string

from dialect import Refused, Rule, read

# Characters of a path, but no line break: what takes each alone and all together takes everything.
SIGNS = f"{string.ascii_letters}{string.digits} !\"$%&'()*+,-.:;=@[]^_`{{|}}~"
EVERY_PATH = ("/", *(f"/{sign}" for sign in SIGNS), f"/{SIGNS}/{SIGNS}")
TEAM = re.compile(r"[a-z0-9-]+")
TAG = re.compile(r"[0-9a-f]{64}")
NAME = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")

# --8<-- [start:forms]
# Closes a name in every spelling:
# (?i)[/\\]name, (?i)[/\\](one|two)\b, (?is)[/\\]api.*[/\\]private
WORD = r"(?:[\w-]|\\\.)*\w"
STEP = rf"\[/\\\\\](?:{WORD}|\({WORD}(?:\|{WORD})*\))(?:\\b)?"
CLOSES = re.compile(rf"\(\?i\){STEP}|\(\?is\){STEP}(?:\.\*{STEP})+", re.ASCII)
# Opens a name in one spelling: ^/name$, ^/name/?$, ^/files/[\w/-]*$
OPENS = re.compile(rf"\^(?:/{WORD})+(?:/\?|/\[\\w/-\]\*)?\$", re.ASCII)
# --8<-- [end:forms]


# --8<-- [start:problems]
def problems(config: object) -> list[str]:
    """Return what would let a request through that should not pass, or never act."""
    try:
        rules = read(config)
    except Refused as error:
        return [str(error)]
    said = []
    for number, rule in enumerate(rules[:-1], start=1):
        found = _door(rule) + (_never(rule, rules[: number - 1]) or _past(number, rules))
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
    elif not TEAM.fullmatch(rule.access.team):
        said.append("teamName is no team: write what stands before .cloudflareaccess.com")
    if rule.service in ("bastion", "socks-proxy"):
        said.append(f"{rule.service} lets the caller choose where to connect")
    scheme = rule.service.partition(":")[0].lower()
    if rule.origin.get("noTLSVerify") and scheme in ("https", "wss", "unix+tls"):
        said.append("noTLSVerify takes any certificate: set caPool and originServerName")
    return said


# --8<-- [end:problems]


def _never(rule: Rule, earlier: list[Rule]) -> list[str]:
    if rule.hostname and not NAME.fullmatch(rule.hostname):
        return [f"write {rule.hostname!r} as browsers send it: in lower case, with xn--"]
    for number, before in enumerate(earlier, start=1):
        if before.has_host(rule.hostname) and (
            before.path == rule.path
            or all(before.fits(rule.hostname, path) for path in EVERY_PATH)
        ):
            return [f"never reached, rule {number} takes its requests before"]
    return []


# --8<-- [start:past]
def _past(number: int, rules: list[Rule]) -> list[str]:
    """What gets further than the rule wants, by another spelling of its path or hostname."""
    rule, said = rules[number - 1], []
    rest = next(r for r in rules[number:] if not r.path and r.has_host(rule.hostname))
    opens = not rule.closed and rest.closed
    if rule.path and opens and not OPENS.fullmatch(rule.path):
        said.append(f"/../ leads from its path to all of {rule.service}: write path: ^/name$")
    form = CLOSES.fullmatch(rule.path) or (opens and OPENS.fullmatch(rule.path))
    for n, other in enumerate(rules, start=1):
        within = other.has_host(rule.hostname)
        if not _lets_in_more(rule, other) or not (within or rule.has_host(other.hostname)):
            continue
        wider = within and n > number and rule.hostname != other.hostname
        paths = rule.path or other.path
        if rule.service == other.service and (paths or wider):
            said.append(f"rule {n} asks for another token for the same service: use two")
        elif rule.closed and wider:
            said.append(f"its hostname in capitals goes to rule {n}: write one name in both")
        elif rule.path and n > number and not form:
            said.append(f"another spelling goes to rule {n}: write path: (?i)[/\\\\]name")
        elif rule.closed and paths and n < number and not OPENS.fullmatch(other.path):
            said.append(f"rule {n} takes a part before: put it above, or open ^/name$ there")
    return said


def _lets_in_more(rule: Rule, other: Rule) -> bool:
    """Whether a caller whom a rule refuses gets into another one."""
    mine, theirs = rule.access, other.access
    if rule.closed or other.closed:
        return not other.closed
    same = mine.team == theirs.team and set(theirs.tags) <= set(mine.tags)
    return mine.required and not (theirs.required and same)


# --8<-- [end:past]
