"""Runs of managed environments, kept in the cache: the same cases in the same environment are asked once."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from conformance.environments.managed import Environment, cache, locked
from conformance.running.digest import suite_digest
from conformance.running.discover import Spec
from conformance.running.run import Options, Outcome, Progress, run_subject
from reports.lines import RunFileError
from reports.run_files import find_run_files, read_run


@dataclass(frozen=True)
class Kept:
    """What a run found, and whether it was there before."""

    outcome: Outcome
    reused: bool


def run_once(spec: Spec, environment: Environment, options: Options, progress: Progress, *, fresh: bool) -> Kept:
    """The run of a subject in a managed environment: the one that is kept, or one made now and kept.

    Args:
        spec: The subject, with its version.
        environment: Its environment, finished.
        options: How to run it; ``python`` is not looked at, ``out`` where it explores only: such runs are not kept.
        progress: Told what goes on.
        fresh: Whether it is asked again although there is a run.

    Raises:
        UsageError: As :func:`conformance.running.run.run_subject`.
    """
    held = environment.marker
    exact = replace(spec, version=held.version if held else spec.version)
    if options.profile.name == "explore":
        return Kept(run_subject(exact, replace(options, python=environment.python), progress), reused=False)
    key = _key(spec, environment, options)
    folder = runs() / key
    with locked(f"run-{key}", lambda _: None):
        there = None if fresh else _complete(folder)
        if there is not None:
            return Kept(there, reused=True)
        return Kept(run_subject(exact, replace(options, python=environment.python, out=folder), progress), reused=False)


def runs() -> Path:
    """Where runs are kept."""
    return cache() / "runs"


def _key(spec: Spec, environment: Environment, options: Options) -> str:
    """What decides about a run: the suite with its corpus and kernels, the adapter, the cases, the environment."""
    beside = sorted(spec.adapter.parent.glob(f"{spec.adapter.stem.removesuffix('_adapter')}_*.py"))
    files = [hashlib.sha256(path.read_bytes()).hexdigest() for path in [spec.adapter, *beside]]
    cases = [options.profile.name, options.seed, asdict(options.filters)]
    said = json.dumps([suite_digest(), files, cases, environment.name, environment.digest])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _complete(folder: Path) -> Outcome | None:
    """The whole run of a folder in which every cell has a verdict."""
    for path in find_run_files([folder]) if folder.is_dir() else []:
        try:
            run = read_run(path)
        except RunFileError:
            continue
        if run.footer.complete:
            return Outcome(path, run.header, run.findings, complete=True)
    return None


def copied(kept: Kept, out: Path, name: str = "") -> Outcome:
    """The run file brought to a folder, under its own name or another."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / (name or kept.outcome.path.name)
    if path == kept.outcome.path:
        return kept.outcome
    partial = path.with_suffix(".partial.jsonl")
    shutil.copyfile(kept.outcome.path, partial)
    partial.replace(path)
    return replace(kept.outcome, path=path)
