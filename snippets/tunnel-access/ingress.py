"""Say which service a request reaches through cloudflared, and what is wrong in its configuration.

    uv run python snippets/tunnel-access/ingress.py snippets/tunnel-access/config.yml https://wiki.example.com/

Exit code 0: nothing is wrong; 1: something is, a line each; 2: the file or an address cannot be read.
"""

import sys
from pathlib import Path

import once
from dialect import reached, read
from exposure import problems


def main(arguments: list[str]) -> int:
    if not arguments:
        print("usage: ingress.py CONFIG [ADDRESS ...]", file=sys.stderr)
        return 2
    try:
        config = once.load(Path(arguments[0]))
        wrong = problems(config)
        for problem in wrong:
            print(problem)
        for url in arguments[1:] if not wrong else []:
            rule = reached(read(config), url)
            print(
                f"{url} -> {rule.service}{', with a token' if rule.access.required else ''}"
            )
    except (OSError, ValueError) as error:
        print(f"cannot check it: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
