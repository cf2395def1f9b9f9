"""Three sites and the Worker on this machine; options go to ``wrangler dev``."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
KEY = "local-origin-key-0123456789abcdef"
SITES = {"aws": 8791, "gcp": 8792, "dc": 8793}


def main() -> int:
    (HERE / ".dev.vars").write_text(f"ORIGIN_KEY={KEY}\n", encoding="utf-8")
    sites = []
    for name, port in SITES.items():
        command = [sys.executable, str(HERE / "origin" / "app.py"), name, "--port", str(port)]
        sites.append(subprocess.Popen(command, env={**os.environ, "ORIGIN_KEY": KEY}))
        print(f"{name} runs: kill -STOP {sites[-1].pid} freezes it")
    origins = " ".join(f"{name}=http://127.0.0.1:{port}" for name, port in SITES.items())
    worker = [
        "npx",
        "wrangler",
        "dev",
        "--config",
        str(HERE / "wrangler.toml"),
        "--var",
        f"ORIGINS:{origins}",
    ]
    try:
        return subprocess.call([*worker, *sys.argv[1:]])
    except KeyboardInterrupt:
        return 0
    finally:
        for site in sites:
            site.kill()


if __name__ == "__main__":
    sys.exit(main())
