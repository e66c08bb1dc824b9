"""Run every case of the corpus as a printed program in a framework, and compare what it shows with the adapter.

    python .ci/check_corpus.py torch

under the interpreter of the framework's environment, or with that interpreter's path as a second argument. Each form
of each operator is asked for the loss and for the gradient to the first array of scores, in its first mode and in
float32. Exit status: 0 if each program shows what the adapter answered.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parent.parent)]

import numpy as np  # noqa: E402 - the suite lies beside this folder
from check_reproducers import Said, answers, is_shown, printed_numbers  # noqa: E402

from adapters.contract import GRADIENT, Reply  # noqa: E402
from adapters.description import Description  # noqa: E402
from conformance.cases import corpus  # noqa: E402
from conformance.judging.answers import Array, Variant  # noqa: E402
from conformance.judging.bench import Bench, Limits  # noqa: E402
from conformance.judging.subject import Subject  # noqa: E402
from conformance.operators.catalogue import OPERATORS  # noqa: E402
from conformance.running.calibrate import dtypes_of_arguments  # noqa: E402
from conformance.running.costs import domain_of  # noqa: E402
from conformance.running.describe import describe  # noqa: E402
from conformance.running.discover import find_subject  # noqa: E402
from conformance.running.plan import PROFILES  # noqa: E402
from conformance.running.reproducer import reproducer  # noqa: E402

Asked = tuple[str, str, str, Reply]
"""What is asked, in words; the program; which of the reply's results it prints; the adapter's reply."""


def asked(bench: Bench, description: Description) -> Iterator[Asked]:
    """Every case in every form."""
    for name, offer in description["operators"].items():
        if name not in OPERATORS or "float32" not in offer["dtypes"]:
            continue
        dtypes = dtypes_of_arguments(OPERATORS[name], offer)
        to = OPERATORS[name].scores[0].name
        for form in offer["forms"]:
            variant = Variant(name, form, offer["modes"][0], description["device"], "float32")
            subject = Subject(variant, bench, Limits(), OPERATORS[name], dtypes, ())
            for number, case in enumerate(corpus.cases(domain_of(subject, PROFILES["thorough"]))):
                reply = subject.reply(case, "gradient")
                for want in ("", to):
                    text = reproducer(case, variant, offer, to=want)
                    words = f"{name}, case {number}, {form}, {'gradient' if want else 'loss'}"
                    yield words, text, f"{GRADIENT}{to}" if want else "value", reply


def fault(said: Said | None, result: str, reply: Reply) -> str:
    """What is wrong with what a program showed; empty if it shows the adapter's answer."""
    if said is None:
        return "the process ended"
    raised: Any = reply.get("raised")
    if raised or said["raised"]:
        same = bool(raised) and raised["type"] == said["raised"]
        return "" if same else f"raised {said['raised'] or 'nothing'}; the adapter answered {raised or 'a number'}"
    values = np.asarray(Array.of(reply[result]).values, dtype=np.float64).ravel()
    shown = printed_numbers(said["printed"])[: values.size]
    right = len(shown) == values.size and all(map(is_shown, shown, values.tolist()))
    return "" if right else f"printed {said['printed'][:200]!r}; the adapter answered {values.tolist()}"


def main(framework: str, python: str = sys.executable) -> int:
    """Say which programs do not show the adapter's answer; the exit status."""
    spec = find_subject(framework)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(spec.adapter, python, Path(folder))
        try:
            programs = list(asked(bench, describe(spec, python, bench)))
        finally:
            bench.close()
    found = answers(dict(enumerate(text for _, text, _, _ in programs)), python)
    wrong = 0
    for number, (words, _, result, reply) in enumerate(programs):
        said = fault(found.get(number), result, reply)
        wrong += bool(said)
        sys.stdout.write(f"{words}: {said}\n" if said else "")
    sys.stdout.write(f"{framework}: {len(programs)} programs of the corpus, {wrong} do not show the adapter's answer\n")
    return 1 if wrong or not programs else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
