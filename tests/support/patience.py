"""How long a test waits: so long that only what hangs ends a wait, and never a busy machine.

No verdict depends on a clock. Compare counts, bytes, processor time (``processes.py``), or what came first; wait with
``until`` for what must happen; and set no limit of your own: ``test_patience.py`` finds the places that do.
"""

import time
from collections.abc import Callable

import httpx
import websockets.asyncio.client
import websockets.sync.client
from playwright.sync_api import expect

from runtime.patience import PATIENCE_S, until

# One test, in pyproject.toml, may take five times as long.
__all__ = ["PATIENCE_S", "be_patient", "until", "until_limited"]


def until_limited(send: Callable[[], httpx.Response], limit: int, period_s: int = 60) -> httpx.Response:
    """Send until a rate limiter refuses, and return the refusal.

    The simulator counts in whole periods of the clock, and one may end in between: a slow run meets several.
    """
    answers: list[httpx.Response] = []
    begun = time.time()
    until(lambda: answers.append(send()) or answers[-1].status_code, lambda status: status == 429, "a refusal")
    periods = int(time.time() // period_s) - int(begun // period_s) + 1
    assert limit <= len(answers) - 1 <= limit * periods
    return answers[-1]


def be_patient() -> None:
    """Let the clients of tests that name no limit wait as long: of themselves they give up after 5 or 10 s."""
    for phase in ("connect", "read", "write", "pool"):
        setattr(httpx._config.DEFAULT_TIMEOUT_CONFIG, phase, PATIENCE_S)
    expect.set_options(timeout=1000 * PATIENCE_S)
    for connect in (websockets.sync.client.connect, websockets.asyncio.client.connect.__init__):
        connect.__kwdefaults__ |= {"open_timeout": PATIENCE_S, "ping_timeout": PATIENCE_S}
