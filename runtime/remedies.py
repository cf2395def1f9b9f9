"""Say in one line what a machine lacks, with the remedy: a package, a program, room on the disk, the right to write."""

import errno
import sys
from types import TracebackType

from model.files import ROOT

LACKS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
PROGRAMS = {"git", "bash", "curl"}


def remedy(error: BaseException) -> str:
    """Return the line, or nothing where something else is wrong; an error of the guide says it itself."""
    # By its name: `mkdocs serve` loads the class anew when our code changes.
    if "GuideError" in (kind.__name__ for kind in type(error).__mro__):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and error.name and not (ROOT / error.name.split(".")[0]).exists():
        return f"The package {error.name} is missing: run `uv sync`, without `--no-dev`."
    if isinstance(error, FileNotFoundError) and error.filename in PROGRAMS:
        return f"{error.filename} is missing: install it, or let PATH name its folder."
    if isinstance(error, OSError) and error.errno in LACKS:
        return f"{error.filename or ROOT}: {error.strerror}. Make room there, or make it writable."
    return ""


def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print an error that nobody caught: the line, or the traceback."""
    line = remedy(error)
    print(line, file=sys.stderr) if line else sys.__excepthook__(kind, error, trace)
