"""Compare every fact with its source page, so that a figure which moved does not stay on the site for months.

Run it when there is a network:  uv run python -m tools.facts check --report facts-report.md
"""

import argparse
import datetime
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urldefrag

from model.facts import Fact, load
from tools.facts.match import Finding, compare
from tools.facts.pages import Page, Reader
from tools.facts.report import ORDER, exit_code, report, summary
from tools.facts.write import write


def by_page(facts: Iterable[Fact]) -> dict[str, list[Fact]]:
    """Return the facts by the page that they name; sections of one page are one page."""
    pages: dict[str, list[Fact]] = {}
    for fact in facts:
        pages.setdefault(urldefrag(fact.source).url, []).append(fact)
    return pages


def judge(page: Page, facts: list[Fact]) -> list[Finding]:
    """Return what one page says about its facts."""
    if page.state is None:
        return compare(facts, page.html)
    detail = f"{page.detail} to {page.final}" if page.detail == "moved" else page.detail
    return [Finding(fact, page.state, detail) for fact in facts]


def check(facts: Iterable[Fact], reader: Reader, say: Callable[[str], None]) -> tuple[list[Page], list[Finding]]:
    """Read each page once and compare its facts.

    Args:
        facts: what to check.
        reader: fetches the pages.
        say: takes one line after each page, for the person who waits.
    """
    pages: list[Page] = []
    findings: list[Finding] = []
    todo = by_page(facts)
    for number, (url, wanted) in enumerate(todo.items(), 1):
        page = reader.read(url)
        found = judge(page, wanted)
        pages.append(page)
        findings += found
        counts = Counter(f.state for f in found)
        say(f"[{number}/{len(todo)}] {url}: " + ", ".join(f"{counts[s]} {s}" for s in ORDER if counts[s]))
    return pages, findings


def arguments(given: list[str], products: set[str]) -> argparse.Namespace:
    """Return the parsed command line; a wrong one ends the process with a message and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m tools.facts", description=__doc__.split("\n")[0])
    command = parser.add_subparsers(required=True).add_parser("check", help="compare the facts with their source pages")
    known = sorted(products)
    command.add_argument("--product", nargs="+", action="extend", choices=known, metavar="ID", help="only of these")
    command.add_argument("--report", type=Path, metavar="FILE", help="write the report here, not to standard output")
    command.add_argument("--write", action="store_true", help="put changed values into the fact files, for review")
    command.add_argument(
        "--timeout", type=float, default=10, metavar="SECONDS", help="how long a page may take (default: 10)"
    )
    parsed = parser.parse_args(given)
    if not 0 < parsed.timeout < float("inf"):
        parser.error("--timeout: give a number of seconds above 0")
    return parsed


def main(given: list[str]) -> int:
    """Run the command and return the process's exit code."""
    facts = load().values()
    options = arguments(given, {f.product for f in facts})
    chosen = [f for f in facts if not options.product or f.product in options.product]
    with Reader(options.timeout) as reader:
        pages, findings = check(chosen, reader, lambda line: print(line, file=sys.stderr, flush=True))
    code = exit_code(pages, findings)
    if options.write:
        written = write(findings, datetime.date.today())
        print(f"Written: {', '.join(written) or 'nothing'}. Run the tests with --update, then review.", file=sys.stderr)
    if options.report:
        options.report.parent.mkdir(parents=True, exist_ok=True)
        options.report.write_text(report(pages, findings, datetime.date.today()), encoding="utf-8")
    if code == 2:
        print(
            f"Nothing could be checked, none of {len(pages)} pages could be fetched ({pages[0].detail}).",
            file=sys.stderr,
        )
    else:
        print(summary(pages, findings) if options.report else report(pages, findings, datetime.date.today()))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
