"""The public keys of an Access team: cached, refreshed when a new one appears, kept while the team cannot be reached."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from jwt import PyJWK

REFRESH_PAUSE_S = 10  # A flood of unknown key ids asks the team once in this time.
MAX_AGE_S = 3600  # A key that the team withdrew is refused after this time.
STALE_LIMIT_S = (
    7 * 24 * 3600
)  # How long cached keys serve without the team: as long as Access overlaps two keys.
Fetch = Callable[[], Mapping[str, Any]]


class KeysUnavailable(Exception):
    """No usable keys are known and the team did not hand out any."""


# --8<-- [start:keys]
class Keys:
    """Keys by their id.

    Args:
        fetch: returns the team's key document; whatever it raises counts as "not reachable".
        clock: seconds, only ever forward.
    """

    def __init__(self, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch, self._clock = fetch, clock
        self._keys: dict[str, PyJWK] = {}
        self._loaded = self._asked = float("-inf")
        self._lock = threading.Lock()

    def get(self, kid: str) -> PyJWK | None:
        """Return a key, or None when the team has none of that id.

        Raises:
            KeysUnavailable: nothing is known, or only keys that are too old to trust.
        """
        with self._lock:
            now = self._clock()
            wanted = kid not in self._keys or now - self._loaded > MAX_AGE_S
            if wanted and now - self._asked >= REFRESH_PAUSE_S:
                self._asked = now
                self._refresh(now)
            if now - self._loaded > STALE_LIMIT_S:
                raise KeysUnavailable
            return self._keys.get(kid)

    def _refresh(self, now: float) -> None:
        try:
            entries = self._fetch()["keys"]
            rsa = [e for e in entries if e.get("kty") == "RSA"]
            signing = [e for e in rsa if e.get("use", "sig") == "sig"]
            keys = {e["kid"]: PyJWK(e, algorithm="RS256") for e in signing}
        except Exception:  # A broken answer must not cost the keys that work.
            return
        if keys:
            self._keys, self._loaded = keys, now


# --8<-- [end:keys]
