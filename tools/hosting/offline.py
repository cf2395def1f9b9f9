"""Make the edition to read offline: a zip that opens from a file system, with no server and no network.

    uv run --no-dev python -m tools.hosting.offline

It is a build of its own: addresses end in ``.html``, and links are relative.
"""

import argparse
import sys
import tempfile
import zipfile
from pathlib import Path

from hooks.publish import headers
from model.facts import site_date
from model.files import ROOT
from tools.hosting import __main__ as host

NAME = "cloudflare-architecture-examples"
# What only a server uses.
LEFT_OUT = {"404.html", "_headers", "_redirects", headers.PREFETCH_RULES}


def build(folder: Path) -> None:
    """Build the site into a folder, for reading from files."""
    host.build(folder, ROOT, "--no-directory-urls", SITE_URL="", OFFLINE="1")


def pack(folder: Path, archive: Path, edition: str) -> Path:
    """Write the zip of a built site: one folder, the same bytes for the same files."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    year, month, day = map(int, edition.split("-"))
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            name = path.relative_to(folder).as_posix()
            if name in LEFT_OUT:
                continue
            entry = zipfile.ZipInfo(f"{archive.stem}/{name}", (year, month, day, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            target.writestr(entry, path.read_bytes())
    return archive


def main(given: list[str]) -> int:
    """Run the command and return the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.hosting.offline", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--to", type=Path, default=ROOT / "dist", metavar="FOLDER", help="where the zip goes (default: dist)"
    )
    options = parser.parse_args(given)
    edition = site_date().isoformat()
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        made = pack(Path(folder), options.to / f"{NAME}-{edition}.zip", edition)
    print(f"{made}: {made.stat().st_size / 1e6:.1f} MB. Unzip it and open index.html.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
