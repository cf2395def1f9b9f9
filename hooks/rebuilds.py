"""Make the next build quicker: keep compiled templates, and let ``--dirty`` pass by generated pages that stayed the same.

MkDocs compiles every template in every build, and takes each generated page for a changed one.
"""

from pathlib import Path
from typing import ClassVar

from jinja2 import Environment, FileSystemBytecodeCache
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import Files

TEMPLATES = Path(__file__).resolve().parent.parent / ".cache" / "templates"
AFTER_ALL = -200


class _Last:
    """What this process knows of its last build."""

    dirty = False
    pages: ClassVar[dict[str, str]] = {}


def on_startup(command: str, dirty: bool) -> None:
    _Last.dirty = dirty


@event_priority(AFTER_ALL)
def on_files(files: Files, config: MkDocsConfig) -> Files:
    generated = {file.src_uri: file for file in files.documentation_pages() if file.generated_by}
    pages = {uri: file.content_string for uri, file in generated.items()}
    for uri, file in generated.items():
        if _Last.dirty and _Last.pages.get(uri) == pages[uri]:
            file.is_modified = lambda: False  # pyrefly: ignore[method-assign] - MkDocs asks each file, and there is no other answer
    _Last.pages = pages
    return files


def on_env(env: Environment, config: MkDocsConfig, files: Files) -> Environment:
    TEMPLATES.mkdir(parents=True, exist_ok=True)
    env.bytecode_cache = FileSystemBytecodeCache(str(TEMPLATES))
    return env
