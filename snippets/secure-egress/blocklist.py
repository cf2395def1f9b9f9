"""Keep a Zero Trust list in step with a feed: read, compare, show, and only then change.

    uv run python snippets/secure-egress/blocklist.py FEED --own example.com --list LIST_ID --account ACCOUNT_ID [--apply]

Without ``--apply`` it only shows the difference. The token comes from CLOUDFLARE_API_TOKEN (Zero Trust: Edit).
Exit code 0: in step, or applied; 1: refused; 2: the API or the feed's server failed.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from cloudflare import APIConnectionError, APIStatusError, Cloudflare

from api import cloudflare
from careful import NoAnswer, known
from feed import FEED_LIMIT_BYTES, FeedError, own_domain, parse

STANDARD_ENTRIES = 1000  # The page names the source; Enterprise lists take more.
SHRINK_LIMIT = 0.3  # Our choice: a feed that lost more than this share at once is broken, not cleaned up.
BATCH = 500
FEED_DEADLINE_S = 60  # Our choice, for the whole feed.


@dataclass(frozen=True)
class Difference:
    added: list[str]
    removed: list[str]


# --8<-- [start:difference]
def difference(
    wanted: Iterable[str], present: Iterable[str], allow_shrink: bool = False
) -> Difference:
    """Return what to add and what to remove.

    Raises:
        FeedError: the feed lost so much that it must be broken.
    """
    new, old = set(wanted), set(present)
    removed = sorted(old - new)
    if len(removed) > max(5, SHRINK_LIMIT * len(old)) and not allow_shrink:
        lost = f"the feed lost {len(removed)} of {len(old)} domains at once"
        raise FeedError(f"{lost}: look at it, then use --allow-shrink")
    return Difference(sorted(new - old), removed)


# --8<-- [end:difference]


# --8<-- [start:sync]
def present(client: Cloudflare, account: str, list_id: str) -> list[str]:
    """Return the domains of the list; the SDK turns the pages."""
    items = client.zero_trust.gateway.lists.items
    pages = items.list(list_id, account_id=account, per_page=500).iter_pages()
    found: dict[str, None] = {}
    for value in (value for page in pages for value in _values(page.result)):
        if value in found:
            raise NoAnswer("the list repeats itself: its pages may have no end")
        found[value] = None
    return list(found)


def _values(found: Any) -> Iterator[str]:
    """A page without a list of texts is no empty one: everything would be added again."""
    if not isinstance(found, list):
        raise NoAnswer("this is no list")
    for item in found:
        value = getattr(item, "value", None)
        if not isinstance(value, str) or not value.isprintable():
            raise NoAnswer("this is no list of domains")
        yield value


def steps(change: Difference, room: int) -> Iterator[Difference]:
    """Return the change in steps that never make the list longer than it may be.

    What is new is blocked before anything is opened, as long as there is room for it. A full
    list gives up first what the feed no longer names.
    """
    added, removed = change.added, change.removed
    while added or removed:
        if added and room > 0:
            count = min(BATCH, room)
            yield Difference(added[:count], [])
            added, room = added[count:], room - len(added[:count])
        elif removed:
            yield Difference([], removed[:BATCH])
            removed, room = removed[BATCH:], room + len(removed[:BATCH])
        else:
            raise FeedError("the list is longer than --entries says")


def apply(
    client: Cloudflare, account: str, list_id: str, change: Difference, room: int
) -> None:
    """Make the change in steps that can be repeated: a broken-off run leaves less to do."""
    edit = client.zero_trust.gateway.lists.edit
    for step in steps(change, room):
        if step.added:
            new = [{"value": v} for v in step.added]
            edit(list_id, account_id=account, append=new)
        else:
            edit(list_id, account_id=account, remove=step.removed)


# --8<-- [end:sync]


# --8<-- [start:read]
def read(source: str) -> bytes:
    """Return a feed from a file or an https address, never more than the limit and one byte.

    Raises:
        FeedError: the server did not answer with the plain feed.
        TimeoutError: it did not come to an end in time.
        SystemExit: this is no address, or it is not encrypted.
    """
    if "://" not in source:
        with Path(source).open("rb") as file:
            return file.read(FEED_LIMIT_BYTES + 1)
    return asyncio.run(_fetch(known(source)))


async def _fetch(source: str) -> bytes:
    data = b""
    # A packed feed of a kilobyte can unpack to gigabytes: none is asked for, none is taken.
    plain = {"Accept-Encoding": "identity"}
    async with (
        # httpx limits each read: a server that sends a byte now and then never ends.
        asyncio.timeout(FEED_DEADLINE_S),
        httpx.AsyncClient(headers=plain, timeout=20) as http,
        http.stream("GET", source) as response,
    ):
        if response.status_code != 200:
            raise FeedError(f"the feed's server answered {response.status_code}")
        if coding := response.headers.get("Content-Encoding"):
            raise FeedError(
                f"the feed's server packed it, as {coding[:40]!r}: ask for it plain"
            )
        async for chunk in response.aiter_raw():
            data += chunk
            if len(data) > FEED_LIMIT_BYTES:
                break
    return data[: FEED_LIMIT_BYTES + 1]


# --8<-- [end:read]


def arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("feed")
    parser.add_argument(
        "--own",
        action="append",
        required=True,
        metavar="DOMAIN",
        help="never blocked; repeat it",
    )
    parser.add_argument("--list", metavar="ID")
    parser.add_argument("--account", metavar="ID")
    parser.add_argument("--entries", type=int, default=STANDARD_ENTRIES)
    parser.add_argument("--apply", action="store_true")
    parser.add_argument("--allow-shrink", action="store_true")
    options = parser.parse_args(given)
    if options.list and not options.account:
        parser.error("--list goes with --account")
    return options


def main(given: list[str]) -> int:
    options = arguments(given)
    try:
        own = frozenset(map(own_domain, options.own))
        wanted = parse(read(options.feed), own, options.entries)
        if not options.list:
            print(f"{len(wanted)} domains, nothing refused")
            return 0
        client = cloudflare()
        old = present(client, options.account, options.list)
        change = difference(wanted, old, options.allow_shrink)
        for sign, domains in (("+", change.added), ("-", change.removed)):
            for domain in domains:
                print(sign, domain)
        print(
            f"{len(change.added)} to add, {len(change.removed)} to remove, {len(wanted)} wanted"
        )
        if options.apply and (change.added or change.removed):
            room = options.entries - len(old)
            apply(client, options.account, options.list, change, room)
            print("applied")
    except FeedError as error:
        print(f"refused: {error}", file=sys.stderr)
        return 1
    except APIStatusError as error:
        print(
            f"the API answered {error.status_code}: nothing more was changed, run it again",
            file=sys.stderr,
        )
        return 2
    except (APIConnectionError, httpx.HTTPError, OSError, NoAnswer) as error:
        print(
            f"{type(error).__name__}: {error}: nothing more was changed, run it again",
            file=sys.stderr,
        )
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
