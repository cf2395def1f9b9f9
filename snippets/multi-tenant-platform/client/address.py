"""Where a token may travel: encrypted, or not at all."""

from urllib.parse import urlsplit


# --8<-- [start:address]
def encrypted(url: str) -> str:
    """Return an address that a token may be sent to: https, or this machine itself.

    Raises:
        SystemExit: it is no address, or the token would travel in clear, also when a
            redirect to https follows.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port  # one that is no number is an error
    except ValueError as error:
        raise SystemExit("this is no address: write it like https://example.com") from error
    if parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1"):
        return url
    # The rest may hold a password or a signature.
    raise SystemExit(f"{parts.scheme}://{parts.hostname} is not encrypted: use https://")


# --8<-- [end:address]
