"""Run single functions of the Worker in Node, with more inputs than a running example could take."""

import json
import subprocess
from typing import Any

from runtime import toolchain
from runtime.workers import SNIPPETS

SOURCE = SNIPPETS / "edge-ai-rag" / "src"
CUT = """
const { cut } = await import(process.argv[1] + "/chunks.ts");
const answers = input.map(([text, most]) => cut(text, most));
"""
CITATIONS = """
const { Citations } = await import(process.argv[1] + "/citations.ts");
const answers = input.map(([parts, count]) => {
  const citations = new Citations(count);
  const text = parts.map((part) => citations.push(part)).join("") + citations.end();
  return [text, [...citations.cited].sort()];
});
"""
UNKNOWN = """
const { Citations } = await import(process.argv[1] + "/citations.ts");
const answers = input.map((text) => {
  const citations = new Citations(2);
  citations.push(text);
  return [...citations.unknown];
});
"""


def typescript(code: str, given: list[Any]) -> list[Any]:
    """Return what ``answers`` holds after the code has run over ``input``."""
    script = f"""
import {{ readFileSync }} from "node:fs";
const input = JSON.parse(readFileSync(0, "utf8"));
{code}
process.stdout.write(JSON.stringify(answers));
"""
    options = ["--no-warnings", "--experimental-transform-types", "--input-type=module", "-e", script, SOURCE]
    done = subprocess.run(
        [toolchain.node(), *options],
        input=json.dumps(given),
        check=False,
        capture_output=True,
        text=True,
        env=toolchain.node_env(),
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
