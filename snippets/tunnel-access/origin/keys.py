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
MOST_WAITING = 8  # Our choice: callers with unknown key ids who wait for one fetch.
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
        self._asking = threading.Lock()
        self._waiting = threading.BoundedSemaphore(MOST_WAITING)

    def get(self, kid: str) -> PyJWK | None:
        """Return a key, or None when the team has none of that id.

        Raises:
            KeysUnavailable: nothing is known, or only keys that are too old to trust, or too
                many callers with unknown ids wait already.
        """
        if kid not in self._keys:
            self._ask_for_unknown()
        elif self._is_old() and self._asking.acquire(blocking=False):
            # One caller renews the keys. Nobody else whose key is known waits for that.
            self._ask()
        if self._clock() - self._loaded > STALE_LIMIT_S:
            raise KeysUnavailable
        return self._keys.get(kid)

    def _ask_for_unknown(self) -> None:
        if not self._keys:
            self._asking.acquire()
        elif self._waiting.acquire(blocking=False):
            # These few may wait; a flood of unknown ids must not take every thread.
            self._asking.acquire()
            self._waiting.release()
        else:
            raise KeysUnavailable
        self._ask()

    def _ask(self) -> None:
        """Fetch, unless the team was asked just now. The caller holds the lock."""
        try:
            now = self._clock()
            if now - self._asked >= REFRESH_PAUSE_S:
                self._asked = now
                self._refresh(now)
        finally:
            self._asking.release()

    def _is_old(self) -> bool:
        return self._clock() - self._loaded > MAX_AGE_S

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
