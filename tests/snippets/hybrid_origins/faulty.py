"""A site of the example as a process of its own, which a test may slow down, make flap, and ask what it received."""

import argparse
import asyncio
import json
import os
import time
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse

import app as example
from health import Check

FLAP_S = 0.3


class Faulty:
    def __init__(self, site):
        self.site, self.mode = site, "ok"
        self.bodies, self.arrivals, self.probes = [], [], 0
        self.in_flight = self.completed = 0
        self.headers = []

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.site(scope, receive, send)
        elif scope["path"].startswith("/_test/"):
            await self.control(scope, receive, send)
        elif scope["path"] == "/healthz":
            self.probes += 1
            await self.answer(scope, receive, send)
        else:
            self.in_flight += 1
            self.headers = [[part.decode("latin-1") for part in pair] for pair in scope["headers"]]
            self.arrivals.append((self.in_flight, self.completed))
            try:
                await self.answer(scope, receive, send)
            finally:
                self.in_flight -= 1
                self.completed += 1

    async def answer(self, scope, receive, send):
        down = self.mode == "dead" or (self.mode == "flapping" and time.monotonic() % (2 * FLAP_S) < FLAP_S)
        if scope["method"] in {"POST", "PATCH", "PUT"}:
            receive = self.recorded(await Request(scope, receive).body())
        while self.mode == "slow":  # noqa: ASYNC110 - the mode is text, of which any request may set another
            await asyncio.sleep(0.05)
        if scope["path"] == "/slow":
            await asyncio.sleep(600)
        if self.mode == "busy":
            await asyncio.sleep(0.05)
        if down or scope["path"] == "/broken":
            await PlainTextResponse("down", 503)(scope, receive, send)
        else:
            await self.site(scope, receive, send)

    def recorded(self, body):
        self.bodies.append(body.decode(errors="replace")[:40])

        async def receive():
            return {"type": "http.request", "body": body, "more_body": False}

        return receive

    async def control(self, scope, receive, send):
        mode = scope["path"].rsplit("/", 1)[1]
        seen = {"bodies": self.bodies, "arrivals": self.arrivals, "probes": self.probes, "headers": self.headers}
        if mode != "seen":
            self.mode, self.bodies, self.arrivals, self.probes, self.completed = mode, [], [], 0, 0
        await JSONResponse(json.loads(json.dumps(seen)))(scope, receive, send)


async def database() -> None:
    pass


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--port", type=int)
    parser.add_argument("--tls", type=Path)
    given = parser.parse_args()
    shop = example.application(given.name, os.environ["ORIGIN_KEY"], [Check("database", database, essential=True)])
    example.serve(Faulty(shop), given.port, given.tls)
