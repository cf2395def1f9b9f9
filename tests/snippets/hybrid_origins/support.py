"""Sites of the shop that a test may slow down, make flap, and ask what they received."""

from pathlib import Path

import httpx

from runtime import sites
from runtime.patience import PATIENCE_S

FAULTY = Path(__file__).with_name("faulty.py")


class Site(sites.Site):
    """One site, with its faults."""

    def start(self, program: Path = FAULTY) -> None:
        super().start(program)

    def become(self, mode: str) -> None:
        httpx.put(f"{self.url}/_test/{mode}", timeout=PATIENCE_S, verify=False)

    def seen(self) -> dict:
        return httpx.get(f"{self.url}/_test/seen", timeout=PATIENCE_S, verify=False).json()
