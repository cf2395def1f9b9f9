"""Health of one site: dead, degraded or ok."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse

CHECK_TIMEOUT_S = 1.0
KEEP_S = 2.0

log = logging.getLogger("health")


# --8<-- [start:health]
@dataclass(frozen=True)
class Check:
    """Something that the site needs; ``run`` raises or hangs when it is not there."""

    name: str
    run: Callable[[], Awaitable[None]]
    essential: bool


class Health:
    """Dead (503): no request can be served here. Degraded (200): most can."""

    def __init__(self, checks: list[Check]) -> None:
        self._checks = checks
        self._lock = asyncio.Lock()
        self._status, self._until = "dead", 0.0

    async def status(self) -> str:
        # Dozens of probes arrive together; the database is asked once.
        async with self._lock:
            if time.monotonic() >= self._until:
                self._status = await self._ask()
                self._until = time.monotonic() + KEEP_S
            return self._status

    async def _ask(self) -> str:
        passed = await asyncio.gather(*map(_passes, self._checks))
        failing = [check for check, ok in zip(self._checks, passed, strict=True) if not ok]
        if failing:
            log.warning("failing: %s", ", ".join(check.name for check in failing))
        if any(check.essential for check in failing):
            return "dead"
        return "degraded" if failing else "ok"


async def _passes(check: Check) -> bool:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            await check.run()
    except Exception:
        return False
    return True


# --8<-- [end:health]


# --8<-- [start:endpoint]
async def healthz(request: Request) -> JSONResponse:
    """Anyone may ask, so the answer names no part of the site; the log does."""
    status = await request.app.state.health.status()
    return JSONResponse(
        {"status": status},
        status_code=503 if status == "dead" else 200,
        headers={"Cache-Control": "no-store"},
    )


# --8<-- [end:endpoint]
