"""Run every benchmark of this folder, one after the other; each prints JSON of what it measured."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPTS = [path for path in sorted(HERE.glob("*.py")) if path.name not in ("run_all.py", "__init__.py")]

if __name__ == "__main__":
    failed = []
    for script in SCRIPTS:
        print(f"== {script.name}", flush=True)
        if subprocess.run([sys.executable, str(script), "--json"], check=False).returncode:
            failed.append(script.name)
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
