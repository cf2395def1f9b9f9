"""Link the zip to read offline from the home page, when this build is given one: ``OFFLINE_ZIP=dist/….zip mkdocs build``."""

import os
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

MARKER = "<!-- offline: the zip -->"
FOLDER = "offline"


def given() -> Path | None:
    """Return the zip that this build should offer.

    Raises:
        PluginError: it is not there.
    """
    name = os.environ.get("OFFLINE_ZIP", "")
    path = Path(name).resolve()
    if name and not path.is_file():
        raise PluginError(
            f"OFFLINE_ZIP is {name!r}, which is no file. Make it with `uv run --no-dev python -m tools.offline`."
        )
    return path if name else None


def sentence(path: Path) -> str:
    """Return what the home page says about the zip, as Markdown."""
    size = f"{path.stat().st_size / 1e6:.1f} MB"
    return f"[Read it offline]({FOLDER}/{path.name}): a zip of {size}. Unzip it and open `index.html`; it needs no server and no network."


def on_files(files: Files, config: MkDocsConfig) -> Files:
    if path := given():
        files.append(File.generated(config, f"{FOLDER}/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    if MARKER not in markdown:
        return markdown
    path = given()
    return markdown.replace(MARKER, sentence(path) if path else "")
