"""Changes planted between two versions of the stand-in, each with the class into which the gate must put it."""

from __future__ import annotations

from dataclasses import dataclass, field

from reports.classes import Class
from tests.stand_in.versions import Edit


@dataclass(frozen=True)
class Change:
    """One change between two versions.

    Attributes:
        words: What it is.
        expected: The class of every cell that it touches; open clauses may see it as well, see :attr:`beside`.
        after: Edits of the newer version.
        before: Edits of the older version.
        clauses: What is asked, as a pattern of ids.
        where: A clause that must be among those that see it.
        dtypes: Formats to ask.
        modes: Modes to ask.
        beside: Classes that other cells may be in besides.
    """

    words: str
    expected: Class
    where: str
    after: tuple[Edit, ...] = ()
    before: tuple[Edit, ...] = ()
    clauses: str = "margin.*"
    dtypes: tuple[str, ...] = ("float32",)
    modes: tuple[str, ...] = ("eager",)
    beside: frozenset[Class] = field(default_factory=lambda: frozenset[Class]({"behaviour-changed"}))

    @property
    def operator(self) -> str:
        """The operator whose clauses are asked."""
        return "multilabel_soft_margin_loss" if self.clauses.startswith("soft") else "multilabel_margin_loss"


_BLOCK = "block = np.logical_and.accumulate(target >= 0, axis=1)"
_ACTIVE = "active = others[row] & ~(gaps <= 0)"
_MARGIN_SUM = "losses = sums / input.dtype.type(classes)"
_SOFT_SUM = "rows = losses.sum(axis=1, dtype=losses.dtype) / losses.dtype.type(losses.shape[1])"
_MARGIN_RESULT = "losses, _ = _margin_rows(np.atleast_2d(input), np.atleast_2d(target))\n    return _reduce"
_CHECKED_SHAPE = 'raise ValueError("target has shape %s, input has %s" % (np.shape(target), np.shape(input)))'
_REDUCTION = f'{_CHECKED_SHAPE}\n    if reduction not in ("none", "sum", "mean"):'
_REFUSED = f'{_REDUCTION}\n        raise ValueError("reduction %r: there are'
_TOTAL = "total = losses.sum(dtype=_wide(losses.dtype))"
_TAIL = Edit(_BLOCK, "block = target >= 0")
_FIRST_OF_EACH = "np.isin(np.arange(classes), np.unique(target[row], return_index=True)[1])"
_COLLAPSED = Edit(
    "others = np.ones", f"for row in range(rows):\n        block[row] &= {_FIRST_OF_EACH}\n    others = np.ones"
)
_OFF_BY_ONE_PERCENT = Edit(_MARGIN_SUM, f"{_MARGIN_SUM}\n    losses *= input.dtype.type(1.01)")
_WRAPPED = Edit(_BLOCK, "block = np.ones(target.shape, dtype=bool)")
_REFUSES_HALF = "if input.dtype == np.float16:\n        raise NotImplementedError('no kernel for half')\n    "
_CHECKED = "_check(input, target, reduction)\n    losses, _ = _margin_rows"
_LAZY = "LAZY = {}"
_LAZY_TWICE = "LAZY = {'lazy': lambda both: (lambda *given, **more: both[0](*given, **more) * 2, both[1])}"


_ELSEWHERE: frozenset[Class] = frozenset({"behaviour-changed", "regressed", "fixed"})
"""The second fault shows in cells in which the first did not, or the other way round."""

_WORSE: frozenset[Class] = frozenset({"behaviour-changed", "worse"})
"""Cells in which the fault stays within the bound have a larger error."""


def _then(more: str, result: str = _MARGIN_SUM) -> Edit:
    """A line behind the rows' losses."""
    return Edit(result, f"{result}\n    {more}")


def _first(more: str) -> Edit:
    """Lines before the margin loss computes anything."""
    return Edit(_CHECKED, _CHECKED.replace("_check(", f"{more}_check(", 1))


REGRESSED = [
    Change("labels behind a -1 count", "regressed", "margin.labels.block-ends-at-first-negative", (_TAIL,)),
    Change("duplicates collapse", "regressed", "margin.labels.duplicates-count", (_COLLAPSED,)),
    Change("-1 wraps to the last class", "regressed", "margin.labels.block-ends-at-first-negative", (_WRAPPED,)),
    Change("the gradient at ties is twice the largest subgradient", "regressed", "margin.gradients.lattice",
           (Edit("pairs[row] += active", "pairs[row] += active + 2 * (others[row] & (gaps == 0))"),)),
    Change("batches of over 64 rows lose the rest", "regressed", "margin.shapes.many-rows",
           (_then("losses[64:], pairs[64:] = 0, 0"),)),
    Change("the lazy mode alone is wrong", "regressed", "margin.value.documented-formula",
           (Edit(_LAZY, _LAZY_TWICE, "adapter"),),
           modes=("eager", "lazy")),
    Change("a sum is a mean", "regressed", "margin.value.sum-of-rows",
           (Edit('(total if reduction == "sum" else', '(total if reduction == "total" else'),)),
    Change("the default is a sum", "regressed", "margin.value.default-is-mean",
           (Edit('def multilabel_margin_loss(input, target, reduction="mean")',
                 'def multilabel_margin_loss(input, target, reduction="sum")'),)),
    Change("the gradient does not see its cotangent", "regressed", "margin.gradients.of-rows",
           (Edit("np.asarray(cotangent, dtype=losses.dtype)",
                 "np.ones_like(np.asarray(cotangent, dtype=losses.dtype))"),)),
    Change("a single row is refused", "regressed", "margin.value.documented-formula",
           (_first("if len(input) == 1:\n        raise IndexError('batch of one')\n    "),)),
    Change("an empty batch kills the process", "regressed", "margin.shapes.empty-batch-sum",
           (Edit("import numpy as np\n", "import os\nimport numpy as np\n"),
            _first("if input.shape[0] == 0:\n        os.abort()\n    "))),
    Change("two classes take for ever", "regressed", "margin.value.documented-formula",
           (Edit("import numpy as np\n", "import time\nimport numpy as np\n"),
            _first("if input.shape == (4, 2):\n        time.sleep(600)\n    ")),
           clauses="margin.value.documented-formula"),
    Change("large scores give NaN", "regressed", "margin.numbers.up-to-the-largest",
           (_then("losses += 0 * (np.abs(input).max(axis=1, initial=0) * np.float32(8))"),)),
    Change("losses of rows get an axis", "regressed", "margin.shapes.result",
           (Edit("return losses if batched else", "return losses[:, np.newaxis] if batched else"),)),
    Change("the result is of float64", "regressed", "margin.dtypes.result",
           (Edit(_MARGIN_RESULT, _MARGIN_RESULT.replace("\n", "\n    losses = losses.astype(float)\n")),)),
    Change("the input is written to", "regressed", "margin.layout.arguments-not-written",
           (_first("input -= input.max(initial=0) if input.flags.writeable else 0\n    "),), beside=_WORSE),
    Change("any reduction is accepted", "regressed", "margin.errors.reduction-name",
           (Edit(_REDUCTION, f"{_CHECKED_SHAPE}\n    if reduction is None:"),)),
    Change("weights are squared", "regressed", "soft.weights.each-class",
           (Edit("losses = losses * weight", "losses = losses * weight * weight"),), clauses="soft.*"),
    Change("large scores overflow", "regressed", "soft.numbers.no-spurious-overflow",
           (Edit("losses = (one - target) * np.maximum(input, 0) + target * np.maximum(-input, 0) + np.log1p(decay)",
                 "losses = (one - target) * np.log1p(np.exp(input)) + target * np.log1p(np.exp(-input))"),),
           clauses="soft.*", beside=_WORSE),
    Change("the gradient is not divided by C", "regressed", "soft.gradients.of-rows",
           (Edit("/ slopes.dtype.type(slopes.shape[1])", ""),), clauses="soft.*"),
]  # fmt: skip

CHANGED = [
    Change("off by a hundredth, then NaN", "changed", "margin.value.documented-formula",
           (_then("losses *= input.dtype.type(np.nan)"),), (_OFF_BY_ONE_PERCENT,), beside=_ELSEWHERE),
    Change("off by a hundredth, then by a half", "changed", "margin.value.documented-formula",
           (_then("losses *= input.dtype.type(1.5)"),), (_OFF_BY_ONE_PERCENT,),
           beside=_ELSEWHERE),  # rounded, the first is not convex at times; the second always is
    Change("labels behind a -1 count, then -1 is the last class", "changed",
           "margin.labels.block-ends-at-first-negative", (_WRAPPED,), (_TAIL,),
           beside=_ELSEWHERE),
    Change("an axis too many, then one of another length", "changed", "margin.shapes.result",
           (Edit("return losses if batched else", "return losses[np.newaxis] if batched else"),),
           (Edit("return losses if batched else", "return losses[:, np.newaxis] if batched else"),)),
    Change("a single row raises another error", "changed", "margin.value.documented-formula",
           (_first("if len(input) == 1:\n        raise TypeError('batch of one')\n    "),),
           (_first("if len(input) == 1:\n        raise IndexError('batch of one')\n    "),)),
    Change("a wrong result, then a dead process", "changed", "margin.shapes.empty-batch-sum",
           (Edit("import numpy as np\n", "import os\nimport numpy as np\n"),
            _first("if input.shape[0] == 0:\n        os.abort()\n    ")),
           (Edit(_TOTAL, f"{_TOTAL} + losses.dtype.type(not len(losses))"),),
           beside=_ELSEWHERE),
]  # fmt: skip

OTHERS = [
    Change("NaN is swallowed", "behaviour-changed", "margin.numbers.infinities-and-nan",
           (Edit(_ACTIVE, "active = others[row] & (gaps > 0)"),)),
    Change("another subgradient at ties", "behaviour-changed", "margin.gradients.subgradient-at-tie",
           (Edit(_ACTIVE, "active = others[row] & ~(gaps < 0)"),)),
    Change("another type of error", "behaviour-changed", "margin.errors.shapes-differ",
           (Edit('raise ValueError("target has shape', 'raise TypeError("target has shape'),)),
    Change("twice the error of a soft margin loss", "worse", "soft.value.documented-formula",
           (Edit(_SOFT_SUM, f"{_SOFT_SUM}\n    rows *= losses.dtype.type(1 - 2.0**-22)"),), clauses="soft.*"),
    Change("twice the error of a soft margin gradient", "worse", "soft.gradients.of-rows",
           (Edit("return losses, (one - target) * up - target * down",
                 "return losses, ((one - target) * up - target * down) * input.dtype.type(1 - 2.0**-22)"),),
           clauses="soft.*"),
    Change("duplicates do not collapse any more", "fixed", "margin.labels.duplicates-count", (), (_COLLAPSED,)),
    Change("a process that lives", "fixed", "margin.shapes.empty-batch-sum", (),
           (Edit("import numpy as np\n", "import os\nimport numpy as np\n"),
            _first("if input.shape[0] == 0:\n        os.abort()\n    "))),
    Change("half precision is refused", "support-lost", "margin.value.documented-formula", (_first(_REFUSES_HALF),),
           dtypes=("float16",)),
    Change("half precision is there", "support-gained", "margin.value.documented-formula", (),
           (_first(_REFUSES_HALF),), dtypes=("float16",)),
    Change("half precision is dropped", "coverage-lost", "margin.value.documented-formula",
           (Edit('["float16", "float32", "float64"]', '["float32", "float64"]', "adapter"),),
           dtypes=("float16", "float32"), clauses="margin.value.*"),
    Change("a mode is dropped", "coverage-lost", "margin.value.documented-formula",
           (Edit('"modes": ["eager", "lazy"]', '"modes": ["eager"]', "adapter"),), modes=("eager", "lazy"),
           clauses="margin.value.*"),
    Change("a mode is new", "new", "margin.value.documented-formula", (),
           (Edit('"modes": ["eager", "lazy"]', '"modes": ["eager"]', "adapter"),), modes=("eager", "lazy"),
           clauses="margin.value.*"),
    Change("the same sum in another order", "same", "margin.value.documented-formula",
           (Edit("np.where(active, gaps, 0).sum(", "np.sort(np.where(active, gaps, 0), axis=1).sum("),)),
    Change("other words in an error", "same", "margin.errors.reduction-name",
           (Edit(_REFUSED, _REFUSED.replace("reduction %r: there are", "reduction %r is none of")),)),
]  # fmt: skip

CHANGES = [*REGRESSED, *CHANGED, *OTHERS]
