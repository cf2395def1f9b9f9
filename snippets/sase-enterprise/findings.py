"""What is wrong in an inventory: each finding has a line and a remedy. Pure functions, no file and no network."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, collapse_addresses
from itertools import combinations

from inventory import Inventory

HOME_ROUTERS = tuple(
    map(IPv4Network, ("192.168.0.0/24", "192.168.1.0/24", "192.168.178.0/24"))
)
SPLIT_TUNNEL_ENTRIES = 1000  # The page names the source: one profile holds no more.


@dataclass(frozen=True, order=True)
class Finding:
    line: int
    text: str


# --8<-- [start:ranges]
def overlaps(inventory: Inventory) -> Iterator[Finding]:
    """A route can lead to one site only."""
    owned = [(r, site) for site in inventory.sites for r in site.ranges]
    for (a, site_a), (b, site_b) in combinations(owned, 2):
        if a.network.overlaps(b.network):
            other = f"{a.network} of {site_a.name} (line {a.line})"
            what = f"{b.network} of {site_b.name} overlaps {other}"
            remedy = "renumber one, or give each site its own virtual network"
            yield Finding(b.line, f"{what}: {remedy}")


def excluded(inventory: Inventory) -> Iterator[Finding]:
    """A range that devices send past the tunnel never arrives, whatever the routes say."""
    published = [r.network for site in inventory.sites for r in site.ranges]
    for entry in inventory.excluded:
        if hit := [n for n in published if n.overlaps(entry.network)]:
            rest = ", ".join(map(str, without(entry.network, hit))) or "nothing"
            kept = ", ".join(map(str, hit))
            what = f"{entry.network} keeps {kept} out of the tunnel"
            yield Finding(entry.line, f"{what}: replace it by {rest}")


def without(network: IPv4Network, holes: list[IPv4Network]) -> list[IPv4Network]:
    """Return a network minus some others, as the fewest networks."""
    parts = [network]
    for hole in holes:
        parts = [piece for part in parts for piece in _minus(part, hole)]
    return sorted(collapse_addresses(parts))


def _minus(part: IPv4Network, hole: IPv4Network) -> list[IPv4Network]:
    if not part.overlaps(hole):
        return [part]
    return [] if part.subnet_of(hole) else list(part.address_exclude(hole))


# --8<-- [end:ranges]


def unsuitable(inventory: Inventory) -> Iterator[Finding]:
    """Ranges that cannot be published as they are."""
    for site in inventory.sites:
        for r in site.ranges:
            if not r.network.is_private:
                yield Finding(
                    r.line, f"{r.network} is public: publish the service by hostname instead"
                )
            elif any(r.network.overlaps(home) for home in HOME_ROUTERS):
                yield Finding(
                    r.line,
                    f"{r.network} is what home routers use: renumber, or publish single hostnames",
                )


def connectors(inventory: Inventory) -> Iterator[Finding]:
    by_name = {site.name: site for site in inventory.sites}
    for site in inventory.sites:
        if site.connector == "tunnel" and site.replicas < 2:
            yield Finding(
                site.line, f"{site.name} has one cloudflared: run two, on two machines"
            )
    for app in inventory.applications:
        if (
            app.starts_connections
            and app.site in by_name
            and by_name[app.site].connector == "tunnel"
        ):
            yield Finding(
                app.line,
                f"{app.name} starts connections, and a tunnel only takes them: connect {app.site} by mesh or wan",
            )


# --8<-- [start:applications]
def applications(inventory: Inventory) -> Iterator[Finding]:
    """Access needs to know who may enter, and whom to ask."""
    ranges = {site.name: [r.network for r in site.ranges] for site in inventory.sites}
    for app in inventory.applications:
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", app.owner):
            yield Finding(app.line, f"{app.name} has no owner: name a mailbox that answers")
        if not app.groups:
            remedy = "name the groups of its people"
            yield Finding(app.line, f"{app.name} lets nobody in: {remedy}")
        if app.site not in ranges:
            where = f"{app.name} is at '{app.site}'"
            yield Finding(app.line, f"{where}, which is no site of this worksheet")
        elif not any(app.address in network for network in ranges[app.site]):
            where = f"{app.name} at {app.address} is in no range of {app.site}"
            yield Finding(app.line, f"{where}: no route would lead there")
        if app.stage not in (1, 2, 3, 4) or not 0 < app.port < 65536:
            wanted = "give a stage from 1 to 4 and a port from 1 to 65535"
            yield Finding(app.line, f"{app.name}: {wanted}")


# --8<-- [end:applications]


def names(inventory: Inventory) -> Iterator[Finding]:
    """Terraform makes one resource for each name."""
    for parts in (inventory.sites, inventory.applications):
        seen: dict[str, int] = {}
        for part in parts:
            if part.name in seen:
                yield Finding(
                    part.line,
                    f"{part.name} already stands in line {seen[part.name]}: give it another name",
                )
            seen.setdefault(part.name, part.line)
    if len(inventory.excluded) > SPLIT_TUNNEL_ENTRIES:
        yield Finding(
            inventory.excluded[-1].line,
            f"a profile holds {SPLIT_TUNNEL_ENTRIES} split tunnel entries: use larger networks",
        )


CHECKS: tuple[Callable[[Inventory], Iterator[Finding]], ...] = (
    overlaps,
    excluded,
    unsuitable,
    connectors,
    applications,
    names,
)


def findings(inventory: Inventory) -> list[Finding]:
    """Return everything that is wrong, by line."""
    return sorted(finding for check in CHECKS for finding in check(inventory))
