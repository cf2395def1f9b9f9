"""How far a company may go: the stages, and which of their criteria hold for an inventory."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import once
from findings import findings
from inventory import Inventory

STAGES = Path(__file__).with_name("stages.yml")

# --8<-- [start:criteria]
BY_INVENTORY: dict[str, Callable[[Inventory], bool]] = {
    "identity_provider": lambda i: i.identity_provider != "none",
    "device_management": lambda i: i.device_management != "none",
    "root_certificate": lambda i: i.root_certificate == "everywhere",
    "no_findings": lambda i: not findings(i),
    "branch_connectors": lambda i: all(
        s.connector != "tunnel" for s in i.sites if s.name in _starting(i)
    ),
}


def _starting(inventory: Inventory) -> set[str]:
    return {app.site for app in inventory.applications if app.starts_connections}


# --8<-- [end:criteria]


@dataclass(frozen=True)
class Criterion:
    id: str
    text: str
    inventory: str = ""

    def holds(self, inventory: Inventory) -> bool:
        """Whether it holds: by the inventory where it can be computed, else by a person's tick."""
        return (
            BY_INVENTORY[self.inventory](inventory)
            if self.inventory
            else self.id in inventory.done
        )


@dataclass(frozen=True)
class Stage:
    stage: int
    name: str
    entry: tuple[Criterion, ...]
    exit: tuple[Criterion, ...]


def load_stages(path: Path = STAGES) -> list[Stage]:
    """Return the stages in order."""
    return [
        Stage(
            s["stage"],
            s["name"],
            *(tuple(Criterion(**c) for c in s[kind]) for kind in ("entry", "exit")),
        )
        for s in once.load(path)
    ]


# --8<-- [start:reachable]
def reachable(
    stages: list[Stage], inventory: Inventory
) -> tuple[Stage | None, list[Criterion]]:
    """Return the stage that the company stands before, and what keeps it from entering.

    When all stages are done, there is none.
    """
    for stage in stages:
        if not all(criterion.holds(inventory) for criterion in stage.exit):
            return stage, [c for c in stage.entry if not c.holds(inventory)]
    return None, []


# --8<-- [end:reachable]
