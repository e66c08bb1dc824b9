"""Everything that needs a GPU, by one command: bounds, timings, every clause on the device, compute-sanitizer.

    python -m benchmarks.gpu --python PYTHON

PYTHON is an interpreter with CuPy, pytest, the packages that the suite itself needs and, to compare
with, torch with CUDA (default: this one). What each part prints goes to ``benchmarks/records/`` as
it is. On a machine without a GPU it says so in one line and writes nothing.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ROOT / "benchmarks" / "records"
TIMING = ROOT / "benchmarks" / "gpu_timing.py"
SANITIZER, TOOLS = "compute-sanitizer", ("memcheck", "racecheck", "synccheck", "initcheck")
PARTS = ("bounds", "timing", "clauses", *TOOLS)
PROMISED = {**os.environ, "LOSSPROOF_PROMISES": "gpu"}


def said(command: list[str]) -> str:
    """All that a command prints."""
    done = subprocess.run(  # noqa: S603 - the suite's own program under the user's interpreter
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.stdout


def parts(python: str, records: Path) -> dict[str, list[str]]:
    """What is run, by the name of its record."""
    found = {
        "bounds": [python, "-m", "pytest", "-v", "tests/test_cupy_port.py", "-k", "device or on_a_gpu"],
        "timing": [python, str(TIMING)],
        "clauses": [sys.executable, "lossproof.py", "run", "cupy", "--python", python, "--out", str(records)],
    }
    for name in TOOLS if shutil.which(SANITIZER) else ():
        found[name] = [SANITIZER, "--tool", name, "--error-exitcode", "1", python, str(TIMING), "--once"]
    return found


def main() -> int:
    """Run all parts; 1 where one failed or there is no GPU."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--records", type=Path, default=RECORDS, help="the folder for what is printed")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this one; may be repeated")
    typed = parser.parse_args()
    way = said([typed.python, "-B", str(ROOT / "adapters" / "cupy_adapter.py")])
    if not way.startswith("device: "):
        print(f"no GPU here, nothing was measured ({way.strip()})")
        return 1
    records: Path = typed.records
    records.mkdir(exist_ok=True)
    name = re.sub(r"\W+", "-", way.removeprefix("device: ").strip()).lower()
    failed = False
    for part, command in parts(typed.python, records).items():
        if typed.part and part not in typed.part:
            continue
        with (records / f"{name}-{part}.txt").open("w", encoding="utf-8") as record:
            done = subprocess.run(  # noqa: S603 - the suite's own programs under the user's interpreter
                command, cwd=ROOT, stdout=record, stderr=subprocess.STDOUT, check=False, env=PROMISED
            )
        print(f"{part}: exit status {done.returncode}, see {record.name}", flush=True)
        failed |= done.returncode != 0
    if shutil.which(SANITIZER) is None:
        print(f"{SANITIZER}: not on this machine; it comes with the CUDA toolkit")
        return 1
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
