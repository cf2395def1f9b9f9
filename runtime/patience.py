"""How long to wait for what was started: so long that only what hangs ends a wait, and never a busy machine."""

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_S = 120
T = TypeVar("T")


def until(read: Callable[[], T], ready: Callable[[T], object] = bool, what: str = "") -> T:
    """Read until the value is as wanted, and return it.

    Args:
        read: looks once.
        ready: whether the value is as wanted.
        what: what is waited for, for the message.

    Raises:
        AssertionError: it hangs; the message holds the last value.
    """
    end, pause_s = time.monotonic() + PATIENCE_S, 0.02
    while not ready(value := read()):
        if time.monotonic() > end:
            raise AssertionError(f"{what or 'it'} did not happen in {PATIENCE_S} s; the last value is {value!r}")
        time.sleep(pause_s)
        pause_s = min(1.5 * pause_s, 0.3)  # who asks all the time takes the processor from what it waits for
    return value
