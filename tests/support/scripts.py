"""Ask the scripts that the browser loads, in Node."""

import json
import subprocess
from pathlib import Path
from typing import Any, Self

from runtime import toolchain

ASSETS = toolchain.ROOT / "docs" / "assets"


class Scripts:
    """The Node process that calls them; use it as a context manager."""

    def __enter__(self) -> Self:
        toolchain.install()
        self._process = subprocess.Popen(
            [toolchain.node(), Path(__file__).with_name("scripts.mjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=toolchain.node_env(),
        )
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.communicate()

    def each(self, script: str, name: str, first: Any, *calls: tuple) -> list[Any]:
        """Return what a function of ``docs/assets`` returns for each call; all of them share their first argument."""
        asked = {"script": (ASSETS / script).as_uri(), "name": name, "first": first, "calls": calls}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"{script}: {name} failed; Node's message stands above"
        return json.loads(answer)

    def recommendation(self, rules: dict, answers: dict[str, str]) -> dict[str, Any]:
        """Return what the chooser says to some answers."""
        return self.each("decide.js", "evaluate", rules, (answers,))[0]
