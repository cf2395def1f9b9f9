"""Say which service a request reaches through cloudflared, and what is wrong in its configuration.

    uv run python snippets/tunnel-access/ingress.py snippets/tunnel-access/config.yml https://wiki.example.com/

Matching: the first rule whose hostname and path fit; ``*.`` stands for any subdomain; a path is a regular expression; the last rule
must fit everything. Source: https://developers.cloudflare.com/tunnel/ (configuration file, ingress rules).
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

SERVICES = re.compile(
    r"(?:https?|tcp|ssh|rdp|unix|unix\+tls)://?\S+|http_status:\d{3}|hello_world|bastion"
)


@dataclass(frozen=True)
class Rule:
    hostname: str
    path: str
    service: str
    protected: bool

    @property
    def catches_all(self) -> bool:
        return self.hostname in ("", "*") and not self.path

    # --8<-- [start:match]
    def fits(self, host: str, path: str) -> bool:
        """Whether this rule takes a request. ``*.example.com`` does not stand for ``example.com`` itself."""
        wanted, host = self.hostname.lower(), host.lower().rstrip(".")
        named = wanted in ("", "*", host) or (
            wanted.startswith("*.") and host.endswith(wanted[1:]) and host != wanted[2:]
        )
        return named and bool(re.search(self.path, path))

    # --8<-- [end:match]


def rules(config: dict[str, Any]) -> list[Rule]:
    """Return the rules in order, each with whether cloudflared asks for an Access token."""
    general = config.get("originRequest", {}).get("access", {})
    return [
        Rule(
            r.get("hostname", ""),
            r.get("path", ""),
            r["service"],
            bool(r.get("originRequest", {}).get("access", general).get("required")),
        )
        for r in config["ingress"]
    ]


def reached(found: list[Rule], url: str) -> Rule:
    """Return the rule that takes a request for an address."""
    parts = urlsplit(url)
    return next(rule for rule in found if rule.fits(parts.hostname or "", parts.path or "/"))


# --8<-- [start:problems]
def problems(config: dict[str, Any]) -> list[str]:
    """Return what would let a request through that should not pass, or never reach its service."""
    found = rules(config)
    said = []
    if not found or not found[-1].catches_all:
        return ["the last rule must take everything: add '- service: http_status:404'"]
    if found[-1].service != "http_status:404":
        said.append(
            f"the last rule sends every unknown hostname to {found[-1].service}: answer http_status:404"
        )
    for number, rule in enumerate(found[:-1], start=1):
        if rule.catches_all:
            said.append(
                f"rule {number} takes everything: the rules after it are never reached"
            )
        if not SERVICES.fullmatch(rule.service):
            said.append(f"rule {number}: {rule.service!r} is no service")
        if not rule.protected and not rule.service.startswith("http_status:"):
            said.append(
                f"rule {number}: {rule.hostname} does not ask for an Access token: set access.required"
            )
        said += (
            f"rule {number}: {rule.hostname} is never reached, {earlier.hostname} takes it before"
            for earlier in found[: number - 1]
            if earlier.fits(rule.hostname.replace("*.", "any."), "/") and not earlier.path
        )
    return said


# --8<-- [end:problems]


def main(arguments: list[str]) -> int:
    config = yaml.safe_load(Path(arguments[0]).read_text(encoding="utf-8"))
    for problem in (wrong := problems(config)):
        print(problem)
    for url in arguments[1:] if not wrong else []:
        rule = reached(rules(config), url)
        print(
            f"{url} -> {rule.service}{', with a token' if rule.protected and not rule.catches_all else ''}"
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
