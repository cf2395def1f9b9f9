"""``pytest --changed``: run what the changed files can break, on as few workers as that needs, and say what is left out."""

from pathlib import Path
from typing import Any

import pytest

from tests.changed.select import ChangedError, Project, Selection, branch_point, changed_files

SELECTED = pytest.StashKey[Selection]()
SAID = pytest.StashKey[list[str]]()
LEFT = pytest.StashKey[list[str]]()
# Each worker imports all again, and builds the site again: below this many whole files of tests, one process is faster.
FILES_WORTH_WORKERS = 8
SHOWN = 6


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--changed",
        nargs="?",
        const="",
        metavar="BASE",
        help="run only what can break by the changes since this branch left main, or --changed=BASE; uncommitted ones too",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    given = config.args if config.args_source == config.ArgsSource.ARGS else []
    if len(given) == 1 and Path(given[0].split("::")[0]).is_file():
        _without_workers(config)
    if hasattr(config, "workerinput"):
        _as_told(config)
    elif config.getoption("--changed") is not None and not config.getoption("help"):
        return _choose(config, bool(given))
    return None


def _choose(config: pytest.Config, given: bool) -> int | None:
    """Narrow the run to what can break; return an exit code where that is nothing."""
    base = config.getoption("--changed")
    if base and Path(base).exists():
        raise pytest.UsageError(
            f"--changed={base}: that is a file and no commit. Write --changed=main, or --changed last."
        )
    try:
        commit = branch_point(config.rootpath, base)
        changed = changed_files(config.rootpath, commit)
        project = Project(config.rootpath, commit)
        made = project.select(changed)
    except ChangedError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[SAID] = report(made, changed, commit[:10])
    if made.everything:
        return None
    if not made.tests:
        print(*config.stash[SAID], sep="\n")
        return 0
    config.stash[SELECTED] = made
    config.stash[LEFT] = left_out(project.left_out(made))
    if not given:
        config.args = [str(config.rootpath / path) for path in made.paths()]
        if len(made.whole(project.tests)) < FILES_WORTH_WORKERS:
            _without_workers(config)
    return None


def _without_workers(config: pytest.Config) -> None:
    if not any(a.startswith(("-n", "--numprocesses", "--dist", "--tx")) for a in config.invocation_params.args):
        config.option.numprocesses = 0


def _as_told(config: pytest.Config) -> None:
    """Let a worker run what the process that started it chose."""
    if told := getattr(config, "workerinput", {}).get("changed"):
        config.args, tests = told
        config.stash[SELECTED] = Selection(set(tests))


def report(made: Selection, changed: list[str], commit: str) -> list[str]:
    """Return what a reader is told before and after the run."""
    if not changed:
        return [f"changed: nothing since {commit}, so no test runs"]
    said = [f"changed: {len(changed)} file{'s' * (len(changed) > 1)} since {commit}: {short(changed)}"]
    said += [f"  {path} can break no test: {why}" for path, why in made.quiet.items()]
    if made.everything:
        return [*said, f"  everything runs, because all tests stand on {short(made.everything)}"]
    return said


def left_out(counts: dict[str, tuple[int, int]]) -> list[str]:
    said = [
        f"{folder} ({f'all {total}' if left == total else f'{left} of {total}'})"
        for folder, (left, total) in counts.items()
    ]
    return [
        f"left out, as no changed file can break them: files of tests in {', '.join(said)}; in the others, what is deselected.",
        "`uv run pytest` runs everything.",
    ]


def short(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def pytest_report_header(config: pytest.Config) -> list[str]:
    return config.stash.get(SAID, [])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker what was selected, so that all select alike."""
    if SELECTED in node.config.stash:
        node.workerinput["changed"] = (node.config.args, list(node.config.stash[SELECTED].tests))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if SELECTED not in config.stash:
        return
    made = config.stash[SELECTED]
    kept = [item for item in items if wanted(made, item, config.rootpath)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def wanted(made: Selection, item: pytest.Item, root: Path) -> bool:
    case = item.callspec.id if hasattr(item, "callspec") else ""
    return made.wants(item.path.relative_to(root).as_posix(), getattr(item, "originalname", item.name), case)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(LEFT, []):
        terminalreporter.line(line)
