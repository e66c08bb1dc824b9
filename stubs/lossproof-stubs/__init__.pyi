# What type checkers read: mypy takes no hints from a module that is one file, as lossproof.py is.
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy.typing as npt
from lossproof_suite.reference.arguments import OracleError as OracleError
from lossproof_suite.reference.engine import words as words
from lossproof_suite.reference.engine.expression import Expression as Expression
from lossproof_suite.reference.engine.formula import Formula as Formula
from lossproof_suite.reference.engine.masks import Integers as Integers
from lossproof_suite.reference.expect import Expected as Expected
from lossproof_suite.reference.expectation import Deviation as Deviation
from lossproof_suite.reference.expectation import Expectation as Expectation

def main() -> None: ...
def port(framework: str) -> ModuleType: ...
def expect(
    loss: Formula | str,
    /,
    *,
    dtype: npt.DTypeLike = "float32",
    reduction: str = "none",
    cotangent: Any = None,
    documented: bool = False,
    flushes: bool = False,
    gradients: Sequence[str] | None = None,
    **given: Any,
) -> Expected: ...
def formula(
    function: Callable[..., Expression],
    /,
    *,
    options: Mapping[str, Any] | None = None,
    documented: Callable[..., Expression] | None = None,
    mean: Callable[..., Expression] | None = None,
    **axes: str,
) -> Formula: ...
