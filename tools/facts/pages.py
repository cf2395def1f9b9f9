"""Follow a source page to where it is today, and say in words what came back instead of trusting it."""

import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpx

from tools.facts.fetch import Answer, Requests, Unclear
from tools.facts.match import State

WAIT_LIMIT_S = 30
REDIRECT_LIMIT = 5
SILENT_LIMIT = 3


@dataclass(frozen=True)
class Page:
    """What became of one source page.

    Attributes:
        url: the address asked for.
        state: None when the page was read, else ``GONE`` or ``UNCLEAR``.
        html: the page, when it was read.
        detail: why it was not read.
        final: where redirects led, when that is another address than ``url``.
    """

    url: str
    state: State | None = None
    html: str = ""
    detail: str = ""
    final: str = ""


def retry_after_s(value: str, now: datetime) -> float | None:
    """Return how many seconds a ``Retry-After`` header asks to wait, or None when it is neither seconds nor a date."""
    if re.fullmatch(r"[0-9]+", value.strip()):
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds())


def same_place(one: str, other: str) -> bool:
    """Tell whether two addresses name the same page: same host and path, whatever scheme, query or last slash."""
    a, b = urlsplit(one), urlsplit(other)
    return (a.hostname, a.port, a.path.rstrip("/")) == (b.hostname, b.port, b.path.rstrip("/"))


class Reader:
    """Reads pages through one client. A context manager.

    Args:
        timeout_s: how long a server may be silent, and how long a whole page may take.
        sleep: waits that many seconds.
        clock: seconds that only go forward.
        now: the time of day, for ``Retry-After`` dates.
    """

    def __init__(
        self,
        timeout_s: float = 10,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._timeout_s, self._sleep, self._now = timeout_s, sleep, now
        self._silent: Counter[str] = Counter()
        self._requests = Requests(timeout_s, sleep, clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._requests.close()

    def read(self, url: str) -> Page:
        """Fetch a page. Never raises for what a server or a network does."""
        host = urlsplit(url).netloc
        if self._silent[host] >= SILENT_LIMIT:
            return Page(
                url, State.UNCLEAR, detail=f"{host} was silent {SILENT_LIMIT} times in a row and was left alone"
            )
        try:
            page = self._follow(url)
        except httpx.TransportError as error:
            self._silent[host] += 1
            late = isinstance(error, httpx.TimeoutException)
            reason = (
                f"no answer within {self._timeout_s:g} s" if late else f"no connection: {error or type(error).__name__}"
            )
            return Page(url, State.UNCLEAR, detail=reason)
        except (Unclear, httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            page = Page(url, State.UNCLEAR, detail=str(error))
        self._silent[host] = 0
        return page

    def _follow(self, url: str) -> Page:
        address, redirects, waited = url, 0, False
        while redirects <= REDIRECT_LIMIT:
            answer = self._requests.ask(address, load=same_place(url, address))
            if answer.status in (429, 503) and "retry-after" in answer.headers and not waited:
                self._wait(answer)
                waited = True
            elif answer.status in (301, 302, 303, 307, 308) and "location" in answer.headers:
                address = urljoin(address, answer.headers["location"])
                redirects += 1
            else:
                return self._judge(url, address, answer)
        raise Unclear(f"more than {REDIRECT_LIMIT} redirects")

    def _wait(self, answer: Answer) -> None:
        wait_s = retry_after_s(answer.headers["retry-after"], self._now())
        if wait_s is None or wait_s > WAIT_LIMIT_S:
            raise Unclear(f"status {answer.status}, asks to wait longer than {WAIT_LIMIT_S} s or does not say how long")
        self._sleep(wait_s)

    @staticmethod
    def _judge(url: str, address: str, answer: Answer) -> Page:
        final = "" if address == url else address
        if answer.status in (404, 410):
            return Page(url, State.GONE, detail=f"status {answer.status}", final=final)
        if not same_place(url, address):
            return Page(url, State.GONE, detail="moved", final=final)
        if answer.status != 200:
            raise Unclear(f"status {answer.status}")
        return Page(url, html=answer.html, final=final)
