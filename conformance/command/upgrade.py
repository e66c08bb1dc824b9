"""Versions of a framework side by side: an environment for each, a run in each, what was made before left as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet

from conformance.environments.installing import Programs
from conformance.environments.interpreters import EnvironmentFailed
from conformance.environments.kept import Kept, run_once
from conformance.environments.making import Plan, make, plan
from conformance.environments.managed import Environment
from conformance.environments.needs import needs_of
from conformance.environments.steps import Steps, steps
from conformance.running.discover import Spec, UsageError
from conformance.running.run import Options, Progress

Watch = Callable[[], AbstractContextManager[Progress]]
"""Opens what tells how a run goes on."""


@dataclass(frozen=True)
class Order:
    """How versions are installed and run.

    Attributes:
        options: How each is run: the same cases for all.
        find_links: Folders and pages of wheels, beside what pip is configured to use.
        fresh: Whether runs are made although they are kept.
        watch: Opens what tells how a run goes on.
    """

    options: Options
    find_links: tuple[str, ...]
    fresh: bool
    watch: Watch


def title(spec: Spec) -> str:
    """Framework and version, as people write them."""
    return f"{spec.name} {spec.version}"


def shared_python(specs: Sequence[Spec]) -> SpecifierSet:
    """The interpreters that suit all of some versions, so that Python is no difference between them.

    Raises:
        UsageError: A version is no version, or the adapter's needs cannot be read.
    """
    shared = SpecifierSet()
    for spec in specs:
        shared &= needs_of(spec).python
    return shared


def make_all(
    specs: Sequence[Spec], find_links: Sequence[str], liked: SpecifierSet
) -> dict[Spec, Environment | EnvironmentFailed]:
    """The environments of some versions, made side by side where they are missing; what failed, in its place.

    Args:
        specs: The subjects, each with its version.
        find_links: Folders and pages of wheels.
        liked: The range of interpreters from which each is taken if one of it suits.

    Raises:
        UsageError: A version is no version, or the adapter's needs cannot be read.
    """
    plans = {spec: _planned(spec, find_links, liked) for spec in dict.fromkeys(specs)}
    programs = Programs()
    with steps() as telling, ThreadPoolExecutor(max_workers=len(plans) or 1) as pool:
        try:
            making = {spec: pool.submit(_make, one, programs, telling) for spec, one in plans.items()}
            return {spec: future.result() for spec, future in making.items()}
        except KeyboardInterrupt:
            programs.end()
            raise


def _planned(spec: Spec, find_links: Sequence[str], liked: SpecifierSet) -> Plan | EnvironmentFailed:
    try:
        return plan(spec, find_links, liked)
    except EnvironmentFailed as failed:
        return EnvironmentFailed(f"{title(spec)}: {failed}")


def _make(planned: Plan | EnvironmentFailed, programs: Programs, telling: Steps) -> Environment | EnvironmentFailed:
    if isinstance(planned, EnvironmentFailed):
        return planned
    subject, environment = title(planned.spec), planned.environment
    if environment.marker is not None:
        telling.tell(f"{subject}: environment {environment.name}, which is there")
        return environment
    telling.begin(subject, "making its environment")
    try:
        make(planned, programs, lambda line: telling.said(subject, line))
    except EnvironmentFailed as failed:
        telling.end(subject, "no environment")
        return EnvironmentFailed(f"{subject}: {failed}")
    telling.end(subject, f"environment {environment.name}")
    return environment


def made_of(made: Environment | EnvironmentFailed) -> Environment:
    """The environment that was made.

    Raises:
        EnvironmentFailed: It was not.
    """
    if isinstance(made, EnvironmentFailed):
        raise made
    return made


def run_version(spec: Spec, environment: Environment, order: Order) -> Kept:
    """The run of one version in its environment, made or kept, with a line that says which.

    Raises:
        UsageError: A filter that matches nothing, or a framework that does not start.
    """
    try:
        with order.watch() as progress:
            kept = run_once(spec, environment, order.options, progress, fresh=order.fresh)
    except UsageError as error:
        raise type(error)(f"{title(spec)}: {error}") from None
    words = f"run of {kept.outcome.header.started} kept, not run again" if kept.reused else "run"
    Steps().tell(f"{title(spec)}: {words}, {len(kept.outcome.findings)} cells")
    return kept
