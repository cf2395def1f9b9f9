"""How many messages a second one room takes, and what sharding by room changes; the page shows the measured table."""

import asyncio
import datetime
import json
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from websockets.asyncio.client import connect

from runtime import toolchain
from runtime.workers import Example, Runtime
from tests.snippets.realtime_durable_objects.support import KEY, SLUG, Rooms
from tests.support.patience import PATIENCE_S
from tests.support.processes import linux, processor_s

PAGE = toolchain.ROOT / "docs" / "patterns" / f"{SLUG}.md"
MEASURED = toolchain.ROOT / "docs" / "data" / "measurements" / f"{SLUG}.json"
# Rooms, and members in each.
SPLITS = ((1, 2), (1, 16), (1, 64), (4, 16), (16, 4))
WINDOW = 8
ENOUGH = 600
TEXT = "The quick brown fox jumps over the lazy dog."
COMMAND = "uv run pytest tests/snippets/test_realtime_durable_objects_load.py --update"


@pytest.fixture(scope="module")
def example(runtime: Runtime) -> Iterator[Example]:
    with runtime.example(SLUG, secrets={"TOKEN_KEYS": KEY}, variables={"FRAMES_PER_SECOND": "1000000"}) as started:
        yield started


@dataclass
class Load:
    """Members who all send as fast as the room confirms, each with a few messages on the way."""

    rooms: Rooms
    go: asyncio.Event = field(default_factory=asyncio.Event)
    joined: int = 0
    stored: int = 0
    delivered: int = 0

    async def member(self, room: str, user: str) -> None:
        protocols = ["chat.v1", f"token.{self.rooms.token(room, user)}"]
        options = {"compression": None, "ping_interval": None, "close_timeout": 0.1}
        async with connect(self.rooms.address(room), subprotocols=protocols, **options) as socket:
            self.joined += 1
            await self.go.wait()
            for number in range(WINDOW):
                await socket.send(self.message(number))
            async for frame in socket:
                if frame.startswith('{"type":"sent"'):
                    number += 1
                    self.stored += 1
                    await socket.send(self.message(number))
                elif frame.startswith('{"type":"message"'):
                    self.delivered += 1
                elif frame.startswith('{"type":"check"'):
                    await socket.send(frame)
                else:
                    assert frame.startswith(('{"type":"welcome"', '{"type":"history"', '{"type":"joined"')), frame

    @staticmethod
    def message(number: int) -> str:
        return json.dumps({"type": "send", "key": f"k{number}", "text": TEXT})


@asynccontextmanager
async def loaded(rooms: Rooms, split: tuple[int, int]) -> AsyncIterator[Load]:
    """Let all members join, and then talk until the block ends."""
    load = Load(rooms)
    many, members = split
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(load.member(f"load-{many}-{members}-{room}", f"u{room}-{user}"))
            for room in range(many)
            for user in range(members)
        ]
        async with asyncio.timeout(PATIENCE_S):
            while load.joined < len(tasks):  # noqa: ASYNC110 - each of hundreds of members counts itself
                await asyncio.sleep(0.01)
        load.go.set()
        yield load
        for task in tasks:
            task.cancel()


async def work_of_a_message(runtime: Runtime, rooms: Rooms, split: tuple[int, int]) -> float:
    """Return the processor time of workerd for each message that is stored."""
    async with loaded(rooms, split) as load:
        before, used_s = load.stored, processor_s(runtime)
        while load.stored < before + ENOUGH:  # noqa: ASYNC110 - each of hundreds of members counts itself
            await asyncio.sleep(0.01)
        return (processor_s(runtime) - used_s) / (load.stored - before)


async def per_second(rooms: Rooms, split: tuple[int, int], seconds: float) -> dict[str, int]:
    """Return messages stored and messages delivered per second, of all rooms together."""
    async with loaded(rooms, split) as load:
        await asyncio.sleep(seconds / 4)  # until the rooms are warm
        clock = asyncio.get_running_loop().time
        started, stored, delivered = clock(), load.stored, load.delivered
        await asyncio.sleep(seconds)
        elapsed = clock() - started
        found = {
            "stored": round((load.stored - stored) / elapsed),
            "delivered": round((load.delivered - delivered) / elapsed),
        }
    return {"rooms": split[0], "members": split[1], **found}


def rounded(number: int) -> str:
    """Two digits: more would promise what no measurement repeats."""
    return f"{round(number, 2 - len(str(number))):,}"


def table(data: dict) -> str:
    rows = [
        f"| {row['rooms']} | {row['members']} | {rounded(row['stored'])} | {rounded(row['delivered'])} |"
        for row in data["splits"]
    ]
    return "\n".join(
        [
            "| Rooms | Members in each | Stored a second | Delivered a second |",
            "|---|---|---|---|",
            *rows,
            "",
            (
                f"Measured on {data['date']}: {data['cores']} cores, workerd {data['workerd']}, Wrangler {data['wrangler']}, "
                "load driver on the same machine."
            ),
        ]
    )


def version(package: str) -> str:
    return json.loads((toolchain.NODE_MODULES / package / "package.json").read_text())["version"]


@linux
def test_a_message_costs_less_when_the_same_members_are_split_into_rooms(example, runtime):
    one, split = (asyncio.run(work_of_a_message(runtime, Rooms(example), s)) for s in ((1, 64), (16, 4)))
    assert one > 1.3 * split, "64 members store more when each message goes to 4 of them"


def test_the_page_shows_what_was_measured(example, request):
    page = PAGE.read_text(encoding="utf-8")
    if request.config.getoption("--update"):
        found = [asyncio.run(per_second(Rooms(example), split, 3)) for split in SPLITS]
        data = {
            "date": str(datetime.date.today()),
            "cores": os.cpu_count(),
            "workerd": version("workerd"),
            "wrangler": version("wrangler"),
            "splits": found,
        }
        MEASURED.parent.mkdir(exist_ok=True)
        MEASURED.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
        old = re.search(r"^\| Rooms \| Members in each .*?^Measured on [^\n]*", page, re.M | re.S)
        PAGE.write_text(page.replace(old[0], table(data)), encoding="utf-8")
        return
    data = json.loads(MEASURED.read_text(encoding="utf-8"))
    assert table(data) in page, f"run `{COMMAND}`"
    assert [(row["rooms"], row["members"]) for row in data["splits"]] == list(SPLITS)
    stored = {(row["rooms"], row["members"]): row["stored"] for row in data["splits"]}
    assert stored[16, 4] > stored[1, 64], "what the page says of the split"
