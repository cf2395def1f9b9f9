"""Commands for maintainers."""

import sys
from pathlib import Path

# Hooks import each other by plain names, as MkDocs loads them.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "hooks"))
