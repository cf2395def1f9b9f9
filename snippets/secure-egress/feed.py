"""Read a feed of domains to block, and refuse it as a whole when a part of it cannot be right.

A broken feed that is taken half blocks half of the Internet, or opens what was blocked. So one bad line refuses all of it.
"""

import re

import idna
from publicsuffixlist import PublicSuffixList

# Our choice: far above the feed's usual size, far below what a process should hold. The list itself takes 1,000 entries.
FEED_LIMIT_BYTES = 1_000_000
LINE_LIMIT_CHARS = 300
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
SUFFIXES = PublicSuffixList()
# Names of strangers begin below s3.amazonaws.com, so amazonaws.com is as wide as a suffix. The
# package has no public name for its list.
ABOVE_SUFFIXES = frozenset(
    ".".join(labels[n:])
    for labels in (s.lstrip("!*.").split(".") for s in SUFFIXES._publicsuffix)
    for n in range(1, len(labels) - 1)
)


class FeedError(ValueError):
    """The feed is refused; the message names the line and the reason."""


# --8<-- [start:parse]
def parse(data: bytes, own_domains: frozenset[str], entries: int) -> list[str]:
    """Return the domains of a feed, sorted, each once.

    Args:
        data: the whole feed: a domain a line, ``#`` starts a comment.
        own_domains: what must never be blocked, together with what stands above it.
        entries: how many domains the list holds at most.

    Raises:
        FeedError: it is too large, cut off, or one line is no domain that may be blocked.
    """
    if len(data) > FEED_LIMIT_BYTES:
        raise FeedError(f"the feed has {len(data):,} bytes, more than {FEED_LIMIT_BYTES:,}")
    if not data.endswith(b"\n"):
        raise FeedError("the feed ends within a line: it was cut off")
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        number = data[: error.start].count(b"\n") + 1
        raise FeedError(f"line {number}: not UTF-8") from error
    found: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        if text:
            found.setdefault(_domain(text, number, own_domains), number)
    if not found:
        raise FeedError("the feed holds no domain: an empty list would open everything")
    if len(found) > entries:
        raise FeedError(f"the feed holds {len(found):,} domains, the list takes {entries:,}")
    return sorted(found)


# --8<-- [end:parse]


# --8<-- [start:domain]
def _domain(text: str, number: int, own_domains: frozenset[str]) -> str:
    domain = text.lower().removesuffix(".") if text.isascii() else ""
    labels = domain.split(".")
    too_long = len(text) > LINE_LIMIT_CHARS or len(domain) > 253
    if too_long or len(labels) < 2 or not all(map(LABEL.fullmatch, labels)):
        raise FeedError(f"line {number}: {text[:60]!r} is no domain")
    if labels[-1].isdigit():
        raise FeedError(f"line {number}: {domain} is an address, and this list holds domains")
    if SUFFIXES.is_public(domain):
        why = "is a public suffix: it would block everybody under it"
        raise FeedError(f"line {number}: {domain} {why}")
    if domain in ABOVE_SUFFIXES:
        why = "stands above a public suffix: it would block strangers under it"
        raise FeedError(f"line {number}: {domain} {why}")
    for own in own_domains:
        if own == domain or own.endswith(f".{domain}") or domain.endswith(f".{own}"):
            raise FeedError(f"line {number}: {domain} would block {own}, which is ours")
    return domain


# --8<-- [end:domain]


# --8<-- [start:own]
def own_domain(given: str) -> str:
    """Return a domain of ours in the one form in which a feed writes domains.

    Raises:
        FeedError: this is no domain, and would protect nothing.
    """
    try:
        domain = idna.encode(given, uts46=True).decode().removesuffix(".")
    except UnicodeError:
        domain = ""
    labels = domain.split(".")
    if len(labels) < 2 or labels[-1].isdigit() or not all(map(LABEL.fullmatch, labels)):
        why = "is no domain, so it would protect nothing: write it like example.com"
        raise FeedError(f"--own {given!r} {why}")
    return domain


# --8<-- [end:own]
