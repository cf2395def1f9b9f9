"""What running Workers use, counted by the kernel: other work on the machine changes nothing in it."""

import os
import sys
from pathlib import Path

import pytest

from runtime.workers import Runtime

linux = pytest.mark.skipif(
    sys.platform != "linux",
    reason="memory and processor time of a process are read from /proc, which only Linux has",
)


def descendants(parent: int) -> dict[int, str]:
    """Return the running descendants of a process, with their command lines."""
    found: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                found |= {int(folder.name): (folder / "cmdline").read_text()} | descendants(int(folder.name))
        except OSError:
            continue
    return found


def workerds(runtime: Runtime) -> list[int]:
    """Return the processes of workerd, the one that was started last at the end."""
    return sorted(pid for pid, line in descendants(runtime.pid).items() if "workerd" in line)


def processor_s(runtime: Runtime) -> float:
    """Return the processor time that all running Workers have used so far; 0 where /proc is missing."""
    ticks = 0
    for pid in workerds(runtime):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
