"""Say under each transcript when it was recorded and, where a live runtime may answer, offer to send it again.

Buttons stand in the page only when `mkdocs serve` has a runtime or the site is built with LIVE=1; other pages ask for nothing.
"""

import html
import json
import logging
import os
from typing import Any

from hooks.guide import Guide
from hooks.live.server import Examples, Live, running
from hooks.page.sheet import Sheet
from hooks.page.tree import Node, children, put_after
from model.examples import has_worker, versions
from model.files import ROOT, GuideError, fresh, read_yaml
from model.transcripts.commands import Command, transcripts
from model.transcripts.curl import SUBSTITUTION, Unsendable, one_line, requests
from runtime import toolchain

log = logging.getLogger("mkdocs.hooks.live")

RECORDED = ROOT / "docs" / "data" / "live" / "recorded.json"
FLAG = "LIVE"
REMEDY = "Write a fence with three backticks and `console`, not inside other HTML."


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


def bar(slug: str, commands: list[Command], entry: dict[str, str] | None, live: bool) -> str:
    """Return what stands under one transcript: from when it is and, where it can be sent, the buttons."""
    run = [c for c in commands if c.button]
    if not run:
        return ""
    worker = has_worker(slug)
    runtime = f" with workerd {entry['workerd']}" if entry and worker else ""
    day = f' on <time datetime="{html.escape(entry["date"])}">{html.escape(entry["date"])}</time>' if entry else ""
    buttons = "".join(button(command, number, len(run)) for number, command in enumerate(run, 1)) if live else ""
    edit = '<button type="button" class="live__edit" aria-expanded="false">Edit</button>' if ">Send" in buttons else ""
    send = f'<div class="live__send" hidden>{buttons}{edit}</div>' if buttons else ""
    data = f'data-example="{slug}"{" data-worker" if worker else ""} data-search-exclude'
    return f'<div class="live" {data}><p>Recorded{html.escape(runtime)}{day}</p>{send}</div>'


def put_bars(body: Node, sheet: Sheet, guide: Guide) -> None:
    """Put a bar under each transcript of a page."""
    found = transcripts(sheet.source, sheet.place, sheet.slug)
    blocks = body.css("div.language-console.highlight")
    for number, (_, commands) in enumerate(found):
        if number >= len(blocks) or commands[0].text not in blocks[number].text():
            raise GuideError(f"{sheet.place}:{commands[0].line - 1}: this transcript is no block of its own. {REMEDY}")
    if len(blocks) > len(found):
        raise GuideError(f"{sheet.place}: a block shows a console that is no fence. {REMEDY}")
    bars = []
    for block, (example, commands) in zip(blocks, found, strict=True):
        bars.append(bar(example, commands, dates().get(sheet.place), guide.live))
        if bars[-1]:
            put_after(block, bars[-1])
    if any("live__send" in made for made in bars):
        rules = {example: guide.arrows.get(example, []) for example, _ in found}
        put_after(children(body)[-1], f'<template data-module="live">{html.escape(json.dumps(rules))}</template>')


@fresh(lambda: [RECORDED])
def dates() -> dict[str, dict[str, str]]:
    """Return for each page when its transcripts were recorded, and with which workerd."""
    return dict(read_yaml(RECORDED)) if RECORDED.is_file() else {}


def decide() -> None:
    """Decide once for a run of `mkdocs serve` whether its pages carry buttons: only where the toolchain is there."""
    ready = toolchain.installed()
    os.environ[FLAG] = "1" if ready else "0"
    if not ready:
        log.info("Live requests are off. `uv run python -m runtime.toolchain` installs what they need.")


def attach(server: Any, host: str, port: int, mount: str) -> None:
    """Put the live layer before the server's own answers, on this machine's own address only."""
    if os.environ.get(FLAG) == "1" and host in ("127.0.0.1", "localhost", "::1"):
        running.append(Examples())
        runtime = dict(zip(("wrangler", "workerd"), versions(), strict=True))
        server.set_app(Live(server.get_app(), port, mount, running[-1], runtime))
        log.info("Live requests are on: the buttons beside the transcripts start the examples on this machine.")


def detach() -> None:
    """End the examples that the live layer started."""
    while running:
        running.pop().close()
