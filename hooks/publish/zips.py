"""Offer each example as a zip at "Build it", so that a reader takes away exactly the files that the tests run.

The same files give the same bytes: sorted names, one date, two modes.
"""

import io
import re
import zipfile
from pathlib import Path

from model.examples import listed, requirements
from model.files import ROOT, GuideError

DATE = (2026, 1, 1, 0, 0, 0)
START = "START-HERE.md"
REQUIREMENTS = "requirements.txt"
WORKSPACE = re.compile(r"^uv run npm (?P<command>run \w+|start) --workspace [\w-]+$")


def alone(command: str, slug: str, python: str, starts_python: bool) -> str:
    """Return a command of an example's README for someone who has the example's folder alone and stands in it.

    Args:
        command: as the README gives it, for the repository's root.
        slug: the example.
        python: what comes before a command that runs Python; empty for an example without.
        starts_python: whether the example's npm scripts run Python too.
    """
    if command == "uv run npm ci":
        return "npm install"
    if workspace := WORKSPACE.match(command):
        return f"{python if starts_python else ''} npm {workspace['command']}".strip()
    command = command.replace(f" --config snippets/{slug}/wrangler.toml", "").replace("uv run npx", "npx")
    return command.replace("uv run python", f"{python} python").replace(f"snippets/{slug}/", "")


def start_here(slug: str, readme: str, package: str, python: str) -> str:
    """Return the text that tells how to run the folder without the repository around it.

    Args:
        slug: the example.
        readme: the example's README.
        package: its ``package.json``, or the empty text.
        python: what comes before a command that runs Python; empty for an example without.
    """
    shown = re.search(r"```console\n(.*?)```", readme, re.S)
    if not shown:
        raise GuideError(f"snippets/{slug}/README.md: there is no console fence that says how the example starts")
    typed = re.findall(r"^\$ ((?:.*\\\n)*.*)$", shown[1], re.M)
    commands = "\n".join(f"$ {alone(command, slug, python, 'python ' in package)}" for command in typed)
    node = "Node.js 22.12 or newer" if package else ""
    tools = " and ".join(filter(None, [node, "[uv](https://docs.astral.sh/uv/)" if python else ""]))
    others = f", and write `{python}` for `uv run`" if python else ""
    return f"""\
# {readme.partition(chr(10))[0].removeprefix("# ")}: this folder alone

Here are the files of `snippets/{slug}/`, byte for byte as the tests run them, and the licence. The commands in
`README.md` are meant for the root of the repository. In this folder, with {tools}, they are:

```console
{commands}
```

For the other commands, leave out `snippets/{slug}/`{others}.
"""


def packed(slug: str, root: Path = ROOT) -> bytes:
    """Return the zip of one example: a folder with its files, the licence, and how to start it."""
    folder = root / "snippets" / slug
    own = listed(folder)
    files = {p.relative_to(folder).as_posix(): (p.read_bytes(), bool(p.stat().st_mode & 0o100)) for p in own}
    files["LICENSE"] = ((root / "LICENSE").read_bytes(), False)
    needs = requirements(own, root)
    if needs:
        files[REQUIREMENTS] = (needs.encode(), False)
    uses_python = any(name.endswith(".py") for name in files)
    python = ("uv run --no-project" + (f" --with-requirements {REQUIREMENTS}" if needs else "")) if uses_python else ""
    readme, package = (files.get(name, (b"", False))[0].decode() for name in ("README.md", "package.json"))
    files[START] = (start_here(slug, readme, package, python).encode(), False)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, (content, executable) in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{slug}/{name}", DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = (0o100755 if executable else 0o100644) << 16
            archive.writestr(entry, content)
    return stream.getvalue()
