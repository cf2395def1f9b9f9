"""Read ``docs/data/moved.yml``: where pages went."""

from typing import Any

from model.files import ROOT, GuideError, read_yaml

SOURCE = ROOT / "docs" / "data" / "moved.yml"
PLACE = "docs/data/moved.yml"


def parse(entries: Any) -> dict[str, str]:
    """Return old address to new address, both below the site; a page that moved twice leads to its last place."""
    moved: dict[str, str] = {}
    for number, entry in enumerate(entries, start=1):
        place = f"{PLACE}, entry {number}"
        old, new = entry["old"], entry["new"]
        for address in (old, new.partition("#")[0]):
            if address.startswith("/") or not (address == "" or address.endswith("/")):
                raise GuideError(
                    f"{place}: write {address!r} as it stands below the site, with a slash at its end only"
                )
        if not old or old in moved:
            raise GuideError(
                f"{place}: {old or 'the home page'} cannot move" + (" twice from the same place" if old else "")
            )
        moved[old] = new
    return {old: _last(moved, old) for old in moved}


def load() -> dict[str, str]:
    """Return the moves of ``docs/data/moved.yml``."""
    return parse(read_yaml(SOURCE))


def _last(moved: dict[str, str], old: str) -> str:
    seen, new = [old], moved[old]
    while (page := new.partition("#")[0]) in moved:
        if page in seen:
            raise GuideError(f"{PLACE}: {' → '.join([*seen, page])} goes round in a circle")
        seen.append(page)
        new = moved[page]
    return new
