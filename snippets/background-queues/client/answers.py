"""What an answer means: whether it may change, when to come back, and what it says."""

import json
import re
import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

PASSING = {408, 425, 429}
# They move the cursor, or turn the order of what follows.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


# --8<-- [start:answers]
def passing(status: int) -> bool:
    """Say whether the same request may get another answer later. All others are final."""
    return status in PASSING or status >= 500


def wish_s(retry_after: str | None) -> float:
    """Return the seconds of a ``Retry-After``: a number or a date. Else there is no wish."""
    text = (retry_after or "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        when = parsedate_to_datetime(text)
        # One without a zone is in universal time (RFC 9110), not in the machine's own.
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return max(0.0, when.timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0


def shown(text: str) -> str:
    """Return a line for the terminal, in which nobody can forge another one."""
    return CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def read(status: int, body: bytes, *fields: str, **kinds: type) -> dict[str, Any]:
    """Return the JSON of a success. A proxy, a firewall or a login page may answer instead.

    Args:
        status: the status of the answer.
        body: its bytes.
        fields: what it must hold.
        kinds: what it must hold, with its type.

    Raises:
        SystemExit: it is an error or no answer of this API; the message says what it says.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise SystemExit(f"{status}: this is no answer of the API")
    typed = all(isinstance(value.get(name), kind) for name, kind in kinds.items())
    if 200 <= status < 300 and value.keys() >= {*fields} and typed:
        return value
    error = value.get("error")
    said = error.get("message") if isinstance(error, dict) else None
    raise SystemExit(shown(f"{status}: {said or 'this is no answer of the API'}"))


def known_id(value: object) -> str:
    """Return an id that an answer names: it becomes part of a path, and must not change it.

    Raises:
        SystemExit: it holds anything else than letters, digits, ``_`` and ``-``.
    """
    if isinstance(value, str) and re.fullmatch(r"[\w-]{1,64}", value, re.ASCII):
        return value
    raise SystemExit(f"{str(value)[:40]!r} is no id: this is no answer of the API")


# --8<-- [end:answers]
