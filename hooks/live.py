"""Say under each transcript when it was recorded and, where a live runtime may answer, offer to send it again.

Buttons stand in the page only when `mkdocs serve` has a runtime or the site is built with LIVE=1; other pages ask for nothing.
"""

import functools
import html
import importlib
import json
import logging
import os
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.livereload import LiveReloadServer
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from curl_lines import SUBSTITUTION, Unsendable, one_line, requests
from paths import load
from strip import versions
from transcripts import Command, transcripts

log = logging.getLogger("mkdocs.hooks.live")

ROOT = Path(__file__).resolve().parent.parent
RECORDED = ROOT / "docs" / "data" / "live" / "recorded.json"
BLOCK = re.compile(r'<div class="language-console highlight">.*?</code></pre></div>', re.S)
FLAG = "LIVE"
PASSED_OVER = {".wrangler", "__pycache__"}


# Hooks are loaded anew for each build, so this is read once a build.
_rules = functools.cache(load)


def button(command: Command, number: int, of: int) -> str:
    """Return the button of one command, or nothing where a page cannot send it."""
    text = one_line(command.text)
    if text.startswith("curl "):
        try:
            sent = requests(command.text)
        except Unsendable:
            return ""
        what = f"{sent[-1]['method']} {SUBSTITUTION.sub('…', sent[-1]['url'])}"
        data, label = json.dumps(sent), "Send"
    else:
        what, data, label = text, json.dumps({"command": text}), "Run"
    name = f"{label} {number}" if of > 1 else label
    return f'<button type="button" data-live="{html.escape(data)}" aria-label="{name}: {html.escape(what[:80])}">{name}</button>'


def bar(slug: str, commands: list[Command], recorded: str, live: bool) -> str:
    """Return what stands under one transcript: when it was recorded and, where it can be sent, the buttons."""
    run = [c for c in commands if c.runs]
    if not run:
        return ""
    buttons = "".join(button(command, number, len(run)) for number, command in enumerate(run, 1)) if live else ""
    edit = '<button type="button" class="live__edit" aria-expanded="false">Edit</button>' if "Send" in buttons else ""
    send = f'<div class="live__send" hidden>{buttons}{edit}</div>' if buttons else ""
    return f'<div class="live" data-example="{slug}" data-search-exclude><p>{recorded}</p>{send}</div>'


def label(entry: dict[str, str] | None, worker: bool) -> str:
    """Return the words that say from when the output is."""
    if entry is None:
        return "Recorded"
    runtime = f" with workerd {entry['workerd']}" if worker else ""
    return f'Recorded{runtime} on <time datetime="{entry["date"]}">{entry["date"]}</time>'


def shown(
    page_html: str, markdown: str, place: str, slug: str, *, live: bool, recorded: dict[str, dict[str, str]]
) -> str:
    """Return a page with a bar under each transcript.

    Args:
        page_html: the page.
        markdown: its source.
        place: its path, for messages.
        slug: its own example, if it names no other.
        live: whether buttons are offered.
        recorded: date and version of each page's transcripts.
    """
    found = transcripts(markdown, place, slug)
    blocks = list(BLOCK.finditer(page_html))
    if len(found) != len(blocks) or not found:
        return page_html
    parts, at = [], 0
    for block, (example, commands) in zip(blocks, found, strict=True):
        words = label(recorded.get(place), any((ROOT / "snippets" / example).rglob("wrangler.toml")))
        parts += [page_html[at : block.end()], bar(example, commands, words, live)]
        at = block.end()
    parts.append(page_html[at:])
    if live and any("live__send" in part for part in parts):
        rules = {example: _rules().get(example, []) for example, _ in found}
        parts.append(f'<template data-module="live">{html.escape(json.dumps(rules))}</template>')
    return "".join(parts)


def on_page_content(page_html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    if "language-console" not in page_html:
        return page_html
    place = f"docs/{page.file.src_uri}"
    recorded = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.is_file() else {}
    slug = Path(page.file.src_uri).stem
    return shown(page_html, page.markdown or "", place, slug, live=os.environ.get(FLAG) == "1", recorded=recorded)


def _tools(name: str) -> Any:
    """Import a module of `tools`; `mkdocs` does not have the repository on its path."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    return importlib.import_module(f"tools.{name}")


def on_startup(command: str, dirty: bool) -> None:
    """Decide once: hooks are loaded anew for each build of `mkdocs serve`, and only the environment stays."""
    if command != "serve":
        return
    ready = (ROOT / "tools").is_dir() and _tools("toolchain").installed()
    os.environ[FLAG] = "1" if ready else "0"
    if not ready:
        log.info("Live requests are off. `uv run python -m tools.toolchain` installs what they need.")


def quiet(observer: Any) -> None:
    """Let a file observer pass over what a running example writes beside its code: it is no reason to build again."""
    schedule = observer.schedule

    def scheduled(handler: Any, path: str, **options: Any) -> Any:
        tell = handler.on_any_event

        def told(event: Any) -> None:
            if not PASSED_OVER & set(Path(event.src_path).parts):
                tell(event)

        handler.on_any_event = told
        return schedule(handler, path, **options)

    observer.schedule = scheduled


def on_serve(server: LiveReloadServer, config: MkDocsConfig, builder: Any) -> LiveReloadServer:
    """Put the live layer before the server's own answers."""
    quiet(server.observer)
    host, port = config.dev_addr.host, config.dev_addr.port
    if os.environ.get(FLAG) == "1" and host in ("127.0.0.1", "localhost", "::1"):
        _tools("live").attach(
            server,
            port,
            urlsplit(config.site_url or "/").path,
            dict(zip(("wrangler", "workerd"), versions(), strict=True)),
        )
    return server


def on_shutdown() -> None:
    if "tools.live" in sys.modules:
        _tools("live").detach()
