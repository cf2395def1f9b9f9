"""Python that people run on their own machines names the encoding of each text: without it, Windows takes one of its own."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("snippets", "model", "runtime", "hooks", "tools", "experiments", "hosting")
FILES = sorted(
    p for folder in FOLDERS for p in (ROOT / folder).rglob("*.py") if not {"node_modules", ".wrangler"} & set(p.parts)
)
# How many arguments there are before the one that may be the encoding.
TEXTS = {"read_text": 0, "write_text": 1}
FILES_OPENED = {"open", "fdopen", "NamedTemporaryFile", "TemporaryFile"}
PROCESSES = {"run", "Popen", "call", "check_call", "check_output"}


def unnamed(source: str) -> Iterator[str]:
    """Yield line and call of each text that is read, written or exchanged in whatever encoding the machine has."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        values = [v.value for v in [*call.args, *given.values()] if isinstance(v, ast.Constant)]
        binary = any(isinstance(v, str) and "b" in v and set(v) <= set("rwxab+") for v in values)
        # Archives and their members are opened as bytes.
        archive = isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) in ("tarfile", "archive")
        if "encoding" not in given and (
            (name in TEXTS and len(call.args) <= TEXTS[name])
            or (name in FILES_OPENED and not binary and not archive)
            or (name in PROCESSES and {"text", "universal_newlines"} & given.keys())
        ):
            yield f"{call.lineno} {name}"


@pytest.mark.parametrize(
    "source",
    [
        "p.read_text()",
        "p.write_text(text)",
        "(folder / 'lock').open('w')",
        "open(path)",
        "subprocess.run(command, capture_output=True, text=True)",
    ],
)
def test_a_text_without_an_encoding_is_found(source: str):
    assert len(list(unnamed(source))) == 1


def test_every_text_has_its_encoding():
    assert len(FILES) > 100
    found = [
        f'{path.relative_to(ROOT)}:{where}: add encoding="utf-8"'
        for path in FILES
        for where in unnamed(path.read_text(encoding="utf-8"))
    ]
    assert found == []
