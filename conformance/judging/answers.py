"""What a variant gives back when it is asked: arrays, or a refusal."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from adapters.arrays import PlainArray, from_plain
from adapters.contract import RaisedError
from reference.formats import Float64

_LONGEST_WORDS = 300


@dataclass(frozen=True)
class Variant:
    """Form × mode × device × dtype of one operator of a subject."""

    operator: str
    form: str
    mode: str
    device: str
    dtype: str

    def __str__(self) -> str:
        return f"{self.operator}, {self.form}, {self.mode}, {self.device}, {self.dtype}"


@dataclass(frozen=True)
class Array:
    """An array that came back: its values in float64, its own dtype and shape."""

    values: Float64
    dtype: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return self.values.shape

    @classmethod
    def of(cls, plain: PlainArray) -> Array:
        """From plain data; a complex number counts as its real part, and as NaN if it has another one."""
        values = from_plain(plain)
        if np.iscomplexobj(values):
            pairs = np.stack([values]).astype(np.complex128).view(np.float64).reshape(*values.shape, 2)
            values = np.where(pairs[..., 1] == 0, pairs[..., 0], np.nan)
        return cls(values.astype(np.float64), plain["dtype"])


@dataclass(frozen=True)
class Result:
    """What a call gave back, as far as it was wanted; an array of no elements stands for what was not."""

    value: Array
    gradients: dict[str, Array]
    inferred: Array
    after: dict[str, PlainArray]

    @property
    def gradient(self) -> Array:
        """The gradient to the first array of scores."""
        return next(iter(self.gradients.values()))


class Refused(Exception):
    """The framework raised on a case."""

    def __init__(self, raised: RaisedError) -> None:
        self.kind = raised["type"]
        self.message = raised["message"]
        self.bases = raised["bases"]
        super().__init__(f"{self.kind}: {self.message}")

    @property
    def first_line(self) -> str:
        """The first words of the message that say something, without paths that differ from run to run."""
        lines = [line.strip() for line in self.message.splitlines() if re.search(r"\w", line)]
        said = re.sub(r"/(?:[\w.+-]+/)+", "…/", " ".join(lines))
        return said if len(said) <= _LONGEST_WORDS else said[:_LONGEST_WORDS].rsplit(" ", 1)[0] + " …"

    @property
    def words(self) -> str:
        """Type and message, short."""
        return f"{self.kind}: {self.first_line}"

    @property
    def signature(self) -> str:
        """The words with numbers taken out: the same for the same refusal of other inputs."""
        return re.sub(r"[0-9]+", "#", self.words)


class Undecided(Exception):
    """The variant refuses every valid case with the same words: the clause says nothing about it."""


class NeverAnswered(Undecided):
    """The variant refuses what is wanted beside the value, and has not answered it so far."""

    def __init__(self, want: str, refused: Refused) -> None:
        self.want = want
        self.refused = refused
        super().__init__(refused.words)
