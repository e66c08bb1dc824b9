"""Asks the suite about every wrong and right implementation of the zoo, and says what caught what.

    python -m tests.zoo --python torch=env/bin/python --python jax=env/bin/python
    python -m tests.zoo --framework numpy sum mean      those whose name holds one of the words
    python -m tests.zoo --every 6 --dtype float32       a sample, in one format

With ``--out``, and every format asked, the answers are kept beside the record as they come,
and the same command goes on where it was stopped.

Exit status: 0 where every wrong one (or the least share) is caught at its level, no right one fails, and
each wrong one agrees with half of the plain cases or says why not; 1 else; 2 for an
interpreter without its framework.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import subprocess
import sys
import tempfile
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from conformance.running.digest import suite_digest
from conformance.running.plan import PROFILES
from conformance.running.records import suite_version
from reports.record import Machine, Suite
from reports.run_files import now
from reports.zoo import Implementation, Zoo, ZooHeader, write_zoo
from reports.zoo_score import Score
from tests.zoo.inhabitants import APART, FRAMEWORKS, Inhabitant, inhabitants, sample
from tests.zoo.kept import Kept
from tests.zoo.kills import Question, ask, asked_clauses
from tests.zoo.page import markdown

WORKERS = 2
DISTRIBUTIONS = {"tensorflow": ("tensorflow", "tensorflow-cpu")}
"""Under which names a framework is installed, where these are several."""


def arguments() -> argparse.Namespace:
    """What was typed."""
    parser = argparse.ArgumentParser(prog="python -m tests.zoo", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("words", nargs="*", help="only implementations whose name holds one of them")
    parser.add_argument("--framework", action="append", choices=FRAMEWORKS, help="only this framework")
    parser.add_argument("--python", action="append", default=[], metavar="FRAMEWORK=PATH", help="its interpreter")
    parser.add_argument("--profile", default="quick", choices=[name for name in PROFILES if name != "explore"])
    parser.add_argument("--dtype", action="append", default=[], help="only this format")
    parser.add_argument("--right", action="store_true", help="only the right ones: is anything accused?")
    parser.add_argument("--every", type=int, default=1, help="only one in so many")
    parser.add_argument("--plain", type=int, default=1000, help="plain random cases asked of each")
    parser.add_argument("--least", type=float, default=1.0, metavar="SHARE", help="of the wrong ones to be caught")
    parser.add_argument("--out", type=Path, help="write the record there; go on where it was stopped")
    parser.add_argument("--docs", type=Path, help="write a Markdown page there")
    return parser.parse_args()


def versions(pythons: dict[str, str]) -> dict[str, str]:
    """The version of each framework under its interpreter.

    Raises:
        SystemExit: An interpreter does not have it.
    """
    found: dict[str, str] = {}
    for name, python in pythons.items():
        for distribution in DISTRIBUTIONS.get(name, (name,)):
            program = f"import importlib.metadata as m; print(m.version({distribution!r}))"
            answer = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)
            if not answer.returncode:
                break
        else:
            sys.stderr.write(f"{python} has no {name}; name an interpreter that has it: --python {name}=PATH\n")
            sys.exit(2)
        found[name] = answer.stdout.strip()
    return found


def chosen(typed: argparse.Namespace) -> list[Inhabitant]:
    """Whom to ask."""
    found: list[Inhabitant] = []
    for framework in _frameworks(typed):
        found += sample(inhabitants(framework), typed.every)
    named = [who for who in found if not typed.words or any(word in who.name for word in typed.words)]
    return [who for who in named if who.right or not typed.right]


def asked(everyone: list[Inhabitant], questions: dict[str, Question], kept: Kept) -> list[Implementation]:
    """All of them, two at a time; a line for each as it comes. What is kept is not asked again.

    Interrupted, it ends when those already handed to the two workers are answered.
    """
    found = [kept.get(who) for who in everyone]
    if before := sum(each is not None for each in found):
        sys.stdout.write(f"{before} of {len(everyone)} answered before\n")
    with tempfile.TemporaryDirectory() as cache, ProcessPoolExecutor(WORKERS) as pool:
        _share_compilations(Path(cache))
        running: dict[int, Future[Implementation]] = {
            place: pool.submit(ask, who, questions[who.framework])
            for place, who in enumerate(everyone)
            if found[place] is None
        }
        try:
            for place, future in running.items():
                found[place] = answer = future.result()
                kept.add(answer)
                sys.stdout.write(f"{line_of(everyone[place], answer)}\n")
                sys.stdout.flush()
        finally:
            pool.shutdown(cancel_futures=True)
    return [each for each in found if each is not None]


def _share_compilations(folder: Path) -> None:
    """One cache of compiled operations for all workers, and one thread for each of them."""
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"


def line_of(who: Inhabitant, found: Implementation) -> str:
    """What became of one, in a line."""
    by = ", ".join(death.clause for death in found.broken) or "; ".join(found.lost) or "nothing"
    share = "" if found.agreement is None else f" {found.agreement:.0%} of plain cases;"
    return f"{found.verdict:11} {who}:{share} broke {by}"


def unexplained(score: Score) -> list[Implementation]:
    """Those that disagree with plain cases more than they say, and right ones that disagree at all."""
    return [each for each in score.disagreeing if not each.why_not] + [
        each for each in score.right if each.agreement is not None and each.agreement < 1
    ]


def main() -> int:
    """Ask, print, write."""
    typed = arguments()
    pythons = _pythons(typed)
    question = Question("", typed.profile, tuple(typed.dtype), typed.plain)
    questions = {name: replace(question, python=python) for name, python in pythons.items()}
    header = _header(typed, versions(pythons))
    kept = Kept(None if typed.dtype else typed.out, header)
    found = asked(everyone := chosen(typed), questions, kept)
    header.planned = len(everyone)
    with tempfile.TemporaryDirectory() as folder:
        zoo = write_zoo(typed.out or Path(folder) / "zoo.jsonl", header, asked_clauses(), found)
    kept.drop()
    score = Score(zoo)
    if typed.docs:
        typed.docs.write_text(markdown(score), encoding="utf-8")
    return _told(score, zoo, typed.least)


def _pythons(typed: argparse.Namespace) -> dict[str, str]:
    """The interpreter of each framework that is asked."""
    return dict.fromkeys(_frameworks(typed), sys.executable) | _named(typed)


def _named(typed: argparse.Namespace) -> dict[str, str]:
    """The interpreters that were named, by framework."""
    named = dict(pair.split("=", 1) for pair in typed.python)
    return {name: named[name] for name in typed.framework or FRAMEWORKS if name in named}


def _frameworks(typed: argparse.Namespace) -> list[str]:
    """The frameworks that are asked: without a choice, those of one environment and those with an interpreter."""
    named = _named(typed)
    return typed.framework or [name for name in FRAMEWORKS if name not in APART or name in named]


def _told(score: Score, zoo: Zoo, least: float) -> int:
    """Print the counts, and who agrees with too many plain cases; the exit status."""
    bad = unexplained(score)
    for each in bad:
        sys.stdout.write(f"{each.framework} {each.name} agrees with {each.agreement:.0%} of plain cases\n")
    counts = ", ".join(f"{count} {verdict}" for verdict, count in zoo.footer.counts.items())
    sys.stdout.write(f"{counts or 'nobody asked'}\n")
    missed = len(score.survivors) > (1 - least) * len(score.wrong)
    return 1 if bad or missed or score.false_alarms or score.without_verdict or not zoo.implementations else 0


def _header(typed: argparse.Namespace, frameworks: dict[str, str]) -> ZooHeader:
    return ZooHeader(
        schema="lossproof-zoo/1",
        started=now(),
        suite=Suite(version=suite_version(), digest=suite_digest()),
        profile=typed.profile,
        frameworks={**frameworks, "numpy (suite)": importlib.metadata.version("numpy")},
        planned=0,
        plain_cases=typed.plain,
        machine=Machine(processor=platform.machine(), cores=os.cpu_count() or 1),
    )


if __name__ == "__main__":
    sys.exit(main())
