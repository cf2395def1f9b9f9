"""Make the edition to read offline: a zip that opens from a file system, with no server and no network.

    uv run --no-dev python -m tools.hosting.offline

It is a build of its own: addresses end in ``.html``, links are relative, and modules, which browsers refuse to load from
files, are part of ``site.js``.
"""

import argparse
import re
import sys
import tempfile
import zipfile
from pathlib import Path

from hooks.publish import headers
from model.facts import site_date
from model.files import ROOT, GuideError
from tools.hosting import __main__ as host

NAME = "cloudflare-architecture-examples"
# What only a server uses.
LEFT_OUT = {"404.html", "_headers", "_redirects", headers.PREFETCH_RULES}
# From a file, a browser refuses what crosses origins; fonts come by the style sheet all the same.
PRELOAD = re.compile(r'\s*<link rel="preload"[^>]*>')
MODULE = re.compile(r'data-module="([^"]+)"')
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class) (\w+))", re.M)


def classic(name: str, module: str) -> str:
    """Return a module's source as a script that keeps its exports in ``window.modules``.

    Raises:
        GuideError: the module imports another one, or exports in a way that this does not know.
    """
    names = EXPORT.findall(module)
    script = EXPORT.sub("", module)
    if odd := re.search(r"^(?:import|export)\b.*", script, re.M):
        raise GuideError(f"assets/{name}.js: {odd[0]!r} cannot be made a classic script")
    return f'(() => {{\n{script}\n(window.modules ??= {{}})["{name}"] = {{ {", ".join(names)} }};\n}})();\n'


def from_files(folder: Path) -> None:
    """Change a built site so that it works when a browser opens its files."""
    modules: set[str] = set()
    for page in folder.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        modules |= set(MODULE.findall(text))
        page.write_text(PRELOAD.sub("", text), encoding="utf-8")
    script = next((folder / "assets").glob("site*.js"))
    sources = [
        classic(name, (folder / "assets" / f"{name}.js").read_text(encoding="utf-8")) for name in sorted(modules)
    ]
    script.write_text("".join([*sources, script.read_text(encoding="utf-8")]), encoding="utf-8")


def build(folder: Path) -> None:
    """Build the site into a folder, for reading from files.

    Raises:
        GuideError: the build failed, or a module of the site cannot be read from a file.
    """
    host.build(folder, ROOT, "--no-directory-urls", SITE_URL="", OFFLINE="1")
    from_files(folder)


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
        try:
            build(Path(folder))
        except GuideError as error:
            print(error, file=sys.stderr)
            return 1
        made = pack(Path(folder), options.to / f"{NAME}-{edition}.zip", edition)
    print(f"{made}: {made.stat().st_size / 1e6:.1f} MB. Unzip it and open index.html.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
