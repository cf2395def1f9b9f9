"""Read a configuration as cloudflared does: what it refuses at its start, and which rule takes a request.

Written after cloudflared's own source (August 2026). Hostnames are compared letter by letter (cloudflared also tries the ASCII form of
a hostname; ``exposure`` wants that form in the file), a path is an RE2 expression that is searched in the decoded path, and ``access``
counts only inside a rule.
"""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

import re2  # pyrefly: ignore[missing-import] it is compiled and brings no types

from settings import Refused, Section, brief, check, section, text

re2.set_fallback_notification(re2.FALLBACK_EXCEPTION)
# What the library does not read as Go does: a quotation, a character by its number, the short form of a named group.
SPELLING = re.compile(
    r"\\Q(?P<text>.*?)(?:\\E|\Z)|\\x\{(?P<hex>[0-9A-Fa-f]+)\}|\\(?P<octal>0[0-7]{0,2}|[1-7][0-7]{1,2})"
    r"|(?P<name>\(\?<(?=\w+>))|(?P<wrong>\\(?:[CZ]|\Z))|\\.",
    re.DOTALL,
)


@dataclass(frozen=True)
class Access:
    """Which tokens cloudflared wants to see before it passes a request on."""

    required: bool = False
    team: str = ""
    tags: tuple[str, ...] = ()


# --8<-- [start:rule]
@dataclass(frozen=True)
class Rule:
    """One ingress rule.

    Attributes:
        hostname: as it is written, or empty for every hostname.
        path: the expression, or empty for every path.
        access: from this rule alone: the ``originRequest`` of the whole file does not count.
        origin: the other settings, where those of the whole file do count.
    """

    hostname: str
    path: str
    service: str
    access: Access
    origin: Section

    @property
    def closed(self) -> bool:
        return self.service.startswith("http_status:")

    def has_host(self, host: str) -> bool:
        """``*.example.com`` stands for every name below ``example.com``, not for itself."""
        wild = self.hostname.startswith("*.") and host.endswith(self.hostname[1:])
        return not self.hostname or host == self.hostname or wild

    def fits(self, host: str, path: str) -> bool:
        return self.has_host(host) and bool(re2.search(_re2(self.path), path, re2.ASCII))


def reached(rules: list[Rule], url: str) -> Rule:
    """Return the rule that takes a request for an address.

    Raises:
        ValueError: this is no address.
    """
    parts = _parts(url)
    if parts.scheme not in ("http", "https") or not (host := _host(parts)):
        raise ValueError(f"{url!r} is no address: write it like https://wiki.example.com/")
    if re.search(r"%(?![0-9A-Fa-f]{2})", parts.path):
        raise ValueError(f"{url}: a broken escape in the path")
    return next(rule for rule in rules if rule.fits(host, unquote(parts.path) or "/"))


# --8<-- [end:rule]


# --8<-- [start:read]
def read(config: object) -> list[Rule]:
    """Return the rules in order.

    Raises:
        Refused: cloudflared would not start.
    """
    whole = section(config, "the file")
    general = section(whole.get("originRequest"), "originRequest")
    _access(general, "originRequest")
    check(general, "originRequest")
    text(whole, "tunnel", "the file")
    check(section(whole.get("warp-routing"), "warp-routing"), "warp-routing")
    listed = whole.get("ingress")
    if not isinstance(listed, list) or not listed:
        raise Refused("there is no ingress rule")
    rules = [_rule(raw, f"rule {n}", general) for n, raw in enumerate(listed, start=1)]
    for number, rule in enumerate(rules, start=1):
        takes_all, last = not rule.hostname and not rule.path, number == len(rules)
        if last and not takes_all:
            raise Refused(
                "the last rule must take everything: add '- service: http_status:404'"
            )
        if takes_all and not last:
            raise Refused(
                f"rule {number} takes everything: the rules after it are never reached"
            )
    return rules


def _rule(raw: object, where: str, general: Section) -> Rule:
    given = section(raw, where)
    own = section(given.get("originRequest"), where)
    hostname, path = text(given, "hostname", where), text(given, "path", where)
    if ":" in hostname:
        raise Refused(f"{where}: the hostname {hostname!r} contains a port")
    if hostname.rfind("*") > 0:
        raise Refused(f"{where}: {hostname!r}: one * only, and only as the first character")
    try:
        re2.compile(_re2(path), re2.ASCII)
    except (re2.error, ValueError) as error:
        raise Refused(f"{where}: the path {path!r} is no RE2 expression: {error}") from error
    check(own, where)
    text(given, "rewrite", where)
    origin = general | {name: value for name, value in own.items() if value is not None}
    service = _service(text(given, "service", where), origin, where)
    hostname = "" if hostname == "*" else hostname
    return Rule(hostname, path, service, _access(own, where), origin)


# --8<-- [end:read]


def _re2(path: str) -> str:
    """Write an expression of Go as the library reads it."""

    def other(found: re.Match[str]) -> str:
        kind, value = found.lastgroup, found[found.lastgroup or 0]
        if kind == "wrong":
            raise ValueError(f"Go has no {value}")
        if kind in ("hex", "octal"):
            value = chr(int(value, 16 if kind == "hex" else 8))
        return "(?P<" if kind == "name" else re.escape(value) if kind else value

    return SPELLING.sub(other, path)


def _service(service: str, origin: Section, where: str) -> str:
    if service in ("hello_world", "hello-world", "socks-proxy"):
        return service
    if service.startswith(("unix:", "unix+tls:")):
        return service
    if service.startswith("http_status:"):
        status = service.removeprefix("http_status:")
        if not re.fullmatch(r"[1-9]\d\d", status, re.A):
            raise Refused(f"{where}: {status!r} is no HTTP status from 100 to 999")
        return service
    if service == "bastion" or origin.get("bastionMode"):
        return "bastion"
    try:
        parts = _parts(service)
    except ValueError as error:
        raise Refused(f"{where}: {service!r} is no service: {error}") from error
    if not parts.scheme or not _host(parts):
        raise Refused(f"{where}: {service!r} is no service: give it a scheme and a hostname")
    if parts.path:
        raise Refused(
            f"{where}: {service!r} has a path: cloudflared keeps that of the request"
        )
    return service


def _parts(url: str) -> SplitResult:
    if re.search(r"[\s\x00-\x20\x7f]", url):
        raise ValueError("a space or a control character")
    parts = urlsplit(url)
    if re.search(r"[%\\^`{|}]", parts.netloc):
        raise ValueError("a host has no such characters")
    _ = parts.port  # A port that is no number is an error.
    return parts


def _host(parts: SplitResult) -> str:
    """Return the host in the letters in which it was given: urlsplit makes them small."""
    host = parts.netloc.rpartition("@")[2]
    return host.partition("]")[0][1:] if host.startswith("[") else host.partition(":")[0]


def _access(origin: Section, where: str) -> Access:
    given = section(origin.get("access"), f"{where}: access")
    required, tags = given.get("required") or False, given.get("audTag") or []
    if not isinstance(required, bool):
        raise Refused(
            f"{where}: required is {brief(required)}: write true or false, without quotes"
        )
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise Refused(f"{where}: audTag is a list of texts")
    access = Access(required, text(given, "teamName", where), tuple(tags))
    if required and tags and not access.team:
        raise Refused(f"{where}: access has audTag and no teamName")
    return access
