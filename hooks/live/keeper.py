"""Start examples for `mkdocs serve`, and stop them when it is gone, however it went.

A process of its own: when its standard input closes, also because the server was killed, it ends what it started. One JSON
request a line on standard input, one JSON reply a line on standard output.
"""

import json
import os
import signal
import sys
from contextlib import AbstractContextManager

from runtime.setups import EXAMPLES
from runtime.workers import Runtime

# The page being read, and one more: going back to the last page is common, and each example takes a few hundred megabytes.
KEPT = 2


class Keeper:
    """The examples that run now, oldest first; use it as a context manager."""

    def __init__(self) -> None:
        self._runtime = Runtime()
        self._running: dict[str, tuple[AbstractContextManager[str], str]] = {}

    def __enter__(self) -> "Keeper":
        self._runtime.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            for slug in list(self._running):
                self.stop(slug)
        finally:
            self._runtime.__exit__()

    def start(self, slug: str) -> str:
        """Return the address of an example, started when it does not run yet."""
        if slug in self._running:
            self._running[slug] = self._running.pop(slug)
            return self._running[slug][1]
        while len(self._running) >= KEPT:
            self.stop(next(iter(self._running)))
        context = EXAMPLES[slug].address(self._runtime)
        url = context.__enter__()
        self._running[slug] = context, url
        return url

    def stop(self, slug: str) -> None:
        """Stop an example; all that it stored is gone."""
        if slug in self._running:
            self._running.pop(slug)[0].__exit__(None, None, None)


def main() -> None:
    """Serve requests until standard input closes."""
    # Ctrl-C in the terminal of `mkdocs serve` is for the server; this process then sees its input close.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # What the examples print must not mix with the replies.
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def reply(**message: object) -> None:
        try:
            print(json.dumps(message), file=replies, flush=True)
        except BrokenPipeError:
            sys.exit(0)

    with Keeper() as keeper:
        reply(examples=[slug for slug, setup in EXAMPLES.items() if setup.folders or setup.server])
        for line in sys.stdin:
            request = json.loads(line)
            try:
                if request.get("afresh"):
                    keeper.stop(request["slug"])
                reply(url=keeper.start(request["slug"]))
            except Exception as error:  # noqa: BLE001 - whatever stops one example must not end the others
                reply(error=str(error)[-500:])


if __name__ == "__main__":
    main()
