"""Where a token may travel: encrypted, or not at all."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
NAME = re.compile(rf"(?=.{{1,254}}$){LABEL}(?:\.{LABEL})*\.?")
REMEDY = "write it like https://example.com"


# --8<-- [start:address]
def encrypted(url: str) -> str:
    """Return an address that a token may be sent to: https, or this machine itself.

    Raises:
        SystemExit: it is no address, or the token would travel in clear, also when a
            redirect to https follows.
    """
    try:
        parts = urlsplit(url if url.isprintable() else "https://[")
        _ = parts.port  # one that is no number is an error
    except ValueError as error:
        raise SystemExit(f"this is no address: {REMEDY}") from error
    # The rest may hold a password or a signature.
    host = parts.hostname or ""
    if parts.scheme != "https" and host not in ("localhost", "127.0.0.1", "::1"):
        raise SystemExit(f"{parts.scheme}://{parts.hostname} is not encrypted: use https://")
    if not _is_host(host):
        raise SystemExit(f"{host[:80]!r} is no host, or not in ASCII: {REMEDY}")
    return url


def _is_host(name: str) -> bool:
    """Say whether it is a name as DNS has them, or an address: libraries fail on others."""
    try:
        return bool(NAME.fullmatch(name) or ip_address(name).version)
    except ValueError:
        return False


# --8<-- [end:address]
