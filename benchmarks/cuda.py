"""Everything that needs a GPU, by one command: timings, every clause on the device, compute-sanitizer.

    python -m benchmarks.cuda --python PYTHON

PYTHON is an interpreter with NumPy, CuPy and, to compare with, torch with CUDA (default: this
one). What each part prints goes to ``benchmarks/records/`` as it is. On a machine without a
GPU it says so in one line and writes nothing.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ROOT / "benchmarks" / "records"
TIMING = ROOT / "benchmarks" / "cuda_timing.py"


def said(command: list[str]) -> tuple[int, str]:
    """A command's exit status and all that it printed."""
    done = subprocess.run(  # noqa: S603 - the suite's own programs under the user's interpreter
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode, done.stdout


def parts(python: str) -> dict[str, list[str]]:
    """What is run, by the name of its record."""
    found = {
        "timing": [python, str(TIMING)],
        "clauses": [sys.executable, "lossproof.py", "run", "cupy", "--python", python, "--out", str(RECORDS)],
    }
    tool = shutil.which("compute-sanitizer")
    for name in ("memcheck", "racecheck"):
        if tool is not None:
            found[name] = [tool, "--tool", name, "--error-exitcode", "1", python, str(TIMING), "--once"]
    return found


def main() -> int:
    """Run all parts; 1 where one failed or there is no GPU."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--python", default=sys.executable)
    python: str = parser.parse_args().python
    _, way = said([python, "-B", str(ROOT / "adapters" / "cupy_adapter.py")])
    if not way.startswith("device: "):
        print(f"no GPU here, nothing was measured ({way.strip()})")
        return 1
    RECORDS.mkdir(exist_ok=True)
    name = re.sub(r"\W+", "-", way.removeprefix("device: ").strip()).lower()
    failed = 0
    for part, command in parts(python).items():
        status, printed = said(command)
        (RECORDS / f"{name}-{part}.txt").write_text(printed, encoding="utf-8")
        print(f"{part}: exit status {status}\n{printed}")
        failed |= status != 0
    if shutil.which("compute-sanitizer") is None:
        print("compute-sanitizer: not on this machine; it comes with the CUDA toolkit")
        return 1
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
