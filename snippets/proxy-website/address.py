"""Where a token may travel: encrypted, or not at all."""

from urllib.parse import urlsplit


# --8<-- [start:address]
def encrypted(url: str) -> str:
    """Return an address that a token may be sent to: https, or this machine itself.

    Raises:
        SystemExit: the token would travel in clear, also when a redirect to https follows.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1"):
        return url
    raise SystemExit(f"{url} is not encrypted: use https://")


# --8<-- [end:address]
