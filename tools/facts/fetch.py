"""Send one polite GET at a time, and load no more of an answer than a page can be.

Nothing else is ever sent: no other method, no cookies, no body.
"""

from collections.abc import Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx

from tools.facts.text import decode

PAGE_LIMIT_BYTES = 5_000_000
PAUSE_S = 1.0
HTML_TYPES = ("text/html", "application/xhtml+xml")
HEADERS = {"User-Agent": "architecture-examples-facts-check/1", "Accept": "text/html", "Accept-Encoding": "identity"}


class Unclear(Exception):
    """A page cannot be used; the message says why, for the report."""


class Answer(NamedTuple):
    """One answer: status, headers, and the decoded page when there was one to read."""

    status: int
    headers: httpx.Headers
    html: str


class Requests:
    """One client with its manners.

    Args:
        timeout_s: how long a server may be silent, and how long a whole page may take.
        sleep: waits that many seconds.
        clock: seconds that only go forward.
    """

    def __init__(self, timeout_s: float, sleep: Callable[[float], None], clock: Callable[[], float]) -> None:
        self._timeout_s, self._sleep, self._clock = timeout_s, sleep, clock
        self._asked_at: dict[str, float] = {}
        refuse = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        self._client = httpx.Client(headers=HEADERS, cookies=refuse, timeout=timeout_s)

    def close(self) -> None:
        self._client.close()

    def ask(self, url: str, load: bool) -> Answer:
        """Send one GET, with a pause after the last one to the same host.

        Args:
            url: the address.
            load: whether to read the page, or only status and headers.

        Raises:
            Unclear: not a web address; or not HTML, too large, too slow or cut off.
            httpx.HTTPError: no answer came.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Unclear(f"not a web address: {url}")
        if (last := self._asked_at.get(parts.netloc)) is not None and (left_s := last + PAUSE_S - self._clock()) > 0:
            self._sleep(left_s)
        started = self._clock()
        try:
            with self._client.stream("GET", url) as answer:
                html = self._load(answer, started) if answer.status_code == 200 and load else ""
                return Answer(answer.status_code, answer.headers, html)
        finally:
            self._asked_at[parts.netloc] = self._clock()

    def _load(self, answer: httpx.Response, started: float) -> str:
        content_type = answer.headers.get("content-type", "")
        if content_type.partition(";")[0].strip().lower() not in HTML_TYPES:
            raise Unclear(f"not HTML: {content_type or 'no content type'}")
        if packed := answer.headers.get("content-encoding"):
            # A small body unpacks to any size, and the library unpacks a whole piece before anybody can count.
            raise Unclear(f"packed as {packed[:40]}, though asked for plain")
        body = bytearray()
        try:
            for chunk in answer.iter_raw():
                body += chunk
                if len(body) > PAGE_LIMIT_BYTES:
                    raise Unclear(f"larger than {PAGE_LIMIT_BYTES:,} bytes")
                if self._clock() - started > self._timeout_s:
                    raise Unclear(f"not complete within {self._timeout_s:g} s")
        except httpx.HTTPError as error:
            raise Unclear(f"broke off: {error or type(error).__name__}") from error
        return decode(bytes(body), content_type)
