"""Publish the catalogue as ``patterns.json``, with its JSON Schema, so that programs choose a pattern without reading HTML."""

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import zips
from catalogue import Pattern, patterns
from facts import Fact, load, products, used
from site_files import file_at, page_at, pages
from twins import address

ROOT = Path(__file__).resolve().parent.parent
ADDRESS = "patterns.json"
SCHEMA = "patterns.schema.json"


def tests(slug: str, root: Path = ROOT) -> list[str]:
    """Return the files that test an example, as paths in the repository."""
    name = slug.replace("-", "_")
    return sorted(p.relative_to(root).as_posix() for p in (root / "tests" / "snippets").glob(f"test_{name}*.py"))


def entry(pattern: Pattern, facts: dict[str, Fact], page: Page, root: Path = ROOT) -> dict[str, Any]:
    """Return one pattern as others read it; addresses are relative to ``patterns.json``.

    Args:
        pattern: the pattern.
        facts: every fact by id.
        page: the pattern's page, rendered.
        root: the repository.
    """
    names = products()
    folder = root / "snippets" / pattern.slug
    shown = sorted(set(used(page.markdown or "")))
    return {
        "slug": pattern.slug,
        "number": pattern.number,
        "title": pattern.title,
        "description": pattern.description,
        "services": [{"id": s, "name": names[s]["name"]} for s in pattern.services],
        "use_cases": list(pattern.use_cases),
        "state": pattern.state,
        "exposure": pattern.exposure,
        "plan": pattern.plan,
        "related": list(pattern.related),
        "page": page.url,
        "markdown": address(page.file),
        "example": zips.address(pattern.slug),
        "files": [f"snippets/{pattern.slug}/{p.relative_to(folder).as_posix()}" for p in zips.listed(folder)],
        "tests": tests(pattern.slug, root),
        "facts": shown,
        "oldest_fact": min(facts[name].as_of for name in shown).isoformat(),
        **({"draft": pattern.draft} if pattern.draft else {}),
    }


def document(entries: list[dict[str, Any]]) -> str:
    """Return the JSON of the catalogue, in the order of the patterns' numbers."""
    return json.dumps({"$schema": SCHEMA, "patterns": entries}, ensure_ascii=False, indent=1) + "\n"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    # Known from the start, so that pages may link it; filled when they are rendered.
    files.append(File.generated(config, ADDRESS, content=""))
    files.append(File.generated(config, SCHEMA, abs_src_path=str(ROOT / "docs" / "data" / SCHEMA)))
    return files


def on_env(env: Environment, config: MkDocsConfig, files: Files) -> Environment:
    if any(page.markdown is None for page in pages(files)):
        files.remove(file_at(files, ADDRESS))  # --dirty: the catalogue of the last full build stays
        return env
    facts = load()
    entries = [entry(p, facts, page_at(files, f"patterns/{p.slug}.md")) for p in patterns()]
    file_at(files, ADDRESS).content_string = document(entries)
    return env
