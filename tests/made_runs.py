"""Runs made up for tests: a few clauses, six variants, every verdict that a test asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from reports.record import (
    Accuracy,
    ArgumentRecord,
    ClauseRecord,
    Counterexample,
    Finding,
    Header,
    LeftOut,
    Level,
    Machine,
    Observed,
    Run,
    SourceRecord,
    SubjectRecord,
    Suite,
    VariantRecord,
    Verdict,
    Worst,
)
from reports.run_files import RunWriter, read_run

MARGIN, SOFT = "multilabel_margin_loss", "multilabel_soft_margin_loss"
HOSTILE = '<script>alert("words")</script> & <b>bold</b>'
FORMULA, NAN, TIE = "margin.value.documented-formula", "margin.numbers.nan-propagates", "margin.gradients.tie"
UNANIMOUS, RANGE = "margin.shapes.unbatched", "margin.errors.range"


def clause(
    name: str, level: Level, *, statement: str = "", address: str = "https://docs.pytorch.org/x.html"
) -> ClauseRecord:
    """A clause of the margin loss, or of the soft margin loss by its name."""
    source = SourceRecord(title="MultiLabelMarginLoss", address=address, version="2.13", words=f"{HOSTILE} is the loss")
    return ClauseRecord(
        id=name,
        operator=SOFT if name.startswith("soft") else MARGIN,
        family=name.split(".")[1],
        level=level,
        why="the page states it",
        statement=statement or f"The statement of {name}.",
        sources=[source],
    )


CLAUSES = [
    clause(UNANIMOUS, "documented"),
    clause(RANGE, "documented", address="javascript:alert(1)"),
    clause(FORMULA, "documented"),
    clause(NAN, "quality"),
    clause(TIE, "open"),
    clause("soft.value.large-scores", "implied"),
]
SCORES = [["0x1.9p-4", "nan"], ["-inf", "-0x0.0p+0"]]
FORM_MODES = (("native", "eager"), ("native", "inductor"), ("module", "eager"))
VARIANTS = [
    VariantRecord(form=form, mode=mode, device="cpu", dtype=dtype)
    for (form, mode), dtype in product(FORM_MODES, ("float32", "float64"))
]


def example(variant: VariantRecord, *, got: str) -> Counterexample:
    """A counterexample whose input holds a NaN and an exact hexadecimal number."""
    return Counterexample(
        arguments={
            "input": ArgumentRecord(dtype=variant.dtype, shape=[2, 2], values=SCORES),
            "target": ArgumentRecord(dtype="int64", shape=[2, 2], values=[[0, -1], [1, 0]]),
            "weight": ArgumentRecord(dtype=variant.dtype, shape=[2], values=["0x1.0p+0", "0x1.8p+1"]),
        },
        cotangent="0x1.0p+0",
        reduction="none",
        expected="nan",
        got=got,
        reproducer=f"import torch\nprint(loss(mode={variant.mode!r}, text='<br>'))",
        dtype=variant.dtype,
        options={"size_average": None},
    )


def finding(record: ClauseRecord, variant: VariantRecord, verdict: Verdict) -> Finding:
    """A finding with the evidence that its verdict calls for."""
    words = {"unsupported": HOSTILE, "crashes": "signal 11", "hangs": "no reply in 60 s"}.get(verdict, "")
    got = "behaviour one" if verdict == "observed" else "0x1.9p-4 (0.09765625)"
    return Finding(
        operator=record.operator,
        clause=record.id,
        level=record.level,
        variant=variant,
        verdict=verdict,
        cases=1042,
        seconds=1.5,
        words=words,
        worst=Worst(ulp="nan", share_of_bound=880000.0) if verdict == "deviates" else None,
        counterexample=example(variant, got=got) if verdict in ("deviates", "observed", "crashes") else None,
        observed=Observed(behaviours={"zero gradient": 40, "never": 0}) if verdict == "observed" else None,
        repeatable=False if verdict == "deviates" and variant.form == "module" else None,
    )


TORCH_NAN: list[Verdict] = ["conforms", "conforms", "deviates", "deviates", "deviates", "conforms"]
REFUSED: list[Verdict] = ["unsupported"] * 6

ERRORS = Accuracy(
    operator=MARGIN,
    variant=VARIANTS[0],
    quantity="value",
    elements=2000,
    worst=Worst(ulp=3.5, share_of_bound=0.75),
    shares_of_bound={"0": 1000, "2^-9": 500, "2^-3": 499, "2^0": 1},
    ulps={"0": 1000, "2^2": 1000},
)
"""Of the first variant, in every run that is made."""


def make_run(
    path: Path,
    framework: str,
    version: str,
    clauses: Sequence[ClauseRecord],
    *,
    nan: Sequence[Verdict] = ("conforms",) * 6,
    python: str = "3.11.7",
    left_out: Sequence[LeftOut] = (),
    started: str = "2026-01-01T00:00:00+00:00",
    formulas: Mapping[str, dict[str, list[Any]]] | None = None,
) -> Run:
    """Write one run file and read it back; ``nan`` gives the verdicts of the NaN clause."""
    subject = SubjectRecord(framework=framework, version=version, build="cpu", python=python, platform="Linux x86_64")
    header = Header(
        schema="lossproof-run/2",
        run=f"{framework}-{python}",
        started=started,
        suite=Suite(version="0.1.0", digest="sha256:00"),
        subject=subject,
        profile="standard",
        seed=0,
        planned=len(clauses) * len(VARIANTS),
        machine=Machine(processor="x86_64", cores=2, model="A", features=["avx2"]),
        measured={"flush_to_zero": False, "threads": 2},
        left_out=list(left_out),
        formulas=dict(formulas or {}),
    )
    with RunWriter(path) as writer:
        writer.write(header)
        for record in clauses:
            writer.write(record)
        for record in clauses:
            usual: list[Verdict] = ["observed" if record.level == "open" else "conforms"]
            verdicts = nan if record.id == NAN else usual * len(VARIANTS)
            for variant, verdict in zip(VARIANTS, verdicts, strict=True):
                writer.write(finding(record, variant, verdict))
        writer.write(ERRORS)
        writer.finish()
    return read_run(path)
