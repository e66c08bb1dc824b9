"""torch: transforms that are compiled, and scores and targets of dtypes that it does not take."""

import importlib
import warnings
from typing import Any

from lossproof import port

torch: Any = importlib.import_module("torch")
loss: Any = port("torch").multilabel_margin_loss

warnings.simplefilter("error", UserWarning)  # torch warns where a compiled gradient is silently wrong
input = torch.tensor([[0.1, 0.2, 0.4, 0.8], [1.0, 2.0, 3.0, 4.0]])
target = torch.tensor([[3, 0, -1, 1], [1, -1, 0, 0]])
gradient = torch.func.grad(loss)(input, target)
assert gradient.count_nonzero() > 0
for backend in ("eager", "aot_eager"):
    compiled = torch.compile(torch.func.grad(loss), backend=backend, fullgraph=True)
    assert torch.equal(compiled(input, target), gradient), "torch.func.grad, compiled"


def rows_of(input: Any) -> Any:
    """The loss of each row."""
    return loss(input, target, "none")


jacobian = torch.compile(torch.func.jacrev(rows_of), backend="aot_eager")
assert torch.equal(jacobian(input).sum(0), 2 * gradient), "torch.func.jacrev, compiled"
for scores, labels in ((target, target), (input, target > 0), (input, target.float()), (input, target.to(torch.uint8))):
    try:
        loss(scores, labels)
    except TypeError:
        continue
    raise AssertionError(f"scores of {scores.dtype} and a target of {labels.dtype} were taken")
