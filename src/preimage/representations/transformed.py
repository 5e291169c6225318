"""A representation followed by transformations of its codes, and after another preprocessing.

>>> from preimage.representations.hog import HOG
>>> unit = Transformed.parse(HOG(), "unit")
>>> unit.name, round(float(unit(torch.rand(1, 1, 32, 32) * 255).norm()), 5)
('hog|unit', 1.0)
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import final

import torch
from torch import Tensor, nn

from preimage.names import STEP, LayerName
from preimage.representations.base import Representation
from preimage.representations.code_grid import CodeGrid
from preimage.representations.execution import AUTO, Execution
from preimage.representations.other_preprocessing import NAMES, fitting_preprocessings, prepare
from preimage.representations.receptive_field import ReceptiveField
from preimage.representations.session import Session
from preimage.representations.transformations import Transformation, parse_transformation


@final
class Transformed(Representation):
    """Codes of a representation as a store of vectors holds them.

    Sizes, receptive field, C and the way that a network runs are those of the representation.

    Args:
        base: the representation.
        transformations: what its codes go through, in this order.
        prepared: the name of another preprocessing that images go through first; see
            `preimage.representations.other_preprocessing`.

    Raises:
        ValueError: if the codes of images of the default size do not fit the transformations.
    """

    def __init__(
        self,
        base: Representation,
        transformations: Sequence[Transformation] = (),
        prepared: str | None = None,
    ) -> None:
        super().__init__()
        if prepared is not None and prepared not in fitting_preprocessings(base.preprocessing):
            raise ValueError(f"{prepared} is for images of 3 channels: {base.name} takes others")
        self.base, self.transformations, self.prepared = base, tuple(transformations), prepared
        steps = [prepared] if prepared else []
        self.name = STEP.join([base.name, *steps, *(step.name for step in transformations)])
        self.preprocessing = base.preprocessing
        self.ignores_contrast = base.ignores_contrast
        self.loss_weight = base.loss_weight
        self.chooses_loss_weight = base.chooses_loss_weight
        self.is_network, self.weights = base.is_network, dict(base.weights)
        self._flattens = any(step.flattens for step in transformations)
        self.code_axes = 1 if self._flattens else base.code_axes
        if base.default_size is not None:
            self.code_shape(*base.default_size)  # raises if the codes do not fit

    @classmethod
    def parse(cls, base: Representation, steps: str) -> Transformed:
        """Return a representation followed by named steps, such as "bgr|unit|int8:0.02".

        Raises:
            OSError: if the file of a matrix cannot be read.
            ValueError: if there is no such step, or it does not fit.
        """
        named = [step.strip() for step in steps.split(STEP)]
        prepared = named.pop(0) if named[0] in NAMES else None
        if late := [step for step in named if step in NAMES]:
            raise ValueError(f"{steps}: {late[0]} says how photos were prepared: name it first")
        return cls(base, [parse_transformation(step) for step in named], prepared)

    def extra_repr(self) -> str:
        """Return the name, for `repr`."""
        return repr(self.name)

    def forward(self, x: Tensor) -> Tensor:
        """Return the transformed codes of the images `x` (N, D, H, W)."""
        if self.prepared is not None:
            x = prepare(self.prepared, self.preprocessing, x)
        return self.transform(self.base(x))

    def transform(self, codes: Tensor) -> Tensor:
        """Return codes (N, ...) of the base as they are stored."""
        for step in self.transformations:
            codes = step(codes)
        return codes

    def from_stored(self, values: Tensor) -> Tensor:
        """See `Representation.from_stored`."""
        return self.transformations[-1].from_stored(values) if self.transformations else values

    def gradient(self, codes: Tensor, x: Tensor, weights: Tensor) -> Tensor:
        """See `Representation.gradient`."""
        return self.base.gradient(codes, x, weights)

    def session(
        self, device: torch.device, execution: Execution = AUTO
    ) -> AbstractContextManager[Session]:
        """See `Representation.session`."""
        return self.base.session(device, execution)

    def relaxed(self, softness: float) -> Representation:
        """See `Representation.relaxed`."""
        base = self.base.relaxed(softness)
        return self if base is self.base else self._of(base)

    def _of(self, base: Representation) -> Transformed:
        return Transformed(base, self.transformations, self.prepared)

    def code_shape(self, height: int, width: int) -> tuple[int, ...]:
        """See `Representation.code_shape`."""
        shape = self.base.code_shape(height, width)
        for step in self.transformations:
            shape = step.shape(shape)
        return shape

    def code_grid(self, height: int, width: int) -> CodeGrid:
        """See `Representation.code_grid`."""
        if self._flattens:
            return super().code_grid(height, width)
        return self.base.code_grid(height, width)

    def image_size(self, code_shape: tuple[int, ...]) -> tuple[int, int]:
        """See `Representation.image_size`; a flattened code needs a prescribed size.

        Raises:
            ValueError: if the size is unknown.
        """
        if not self._flattens:
            return self.base.image_size(code_shape)
        if self.default_size is None:
            raise ValueError(f"a code of {self.name} has no size of its own: give one (--size)")
        return self.default_size

    @property
    def layer_name(self) -> LayerName:
        """See `Representation.layer_name`; the layer has its steps in its name."""
        base = self.base.layer_name
        return LayerName(base.network, self.name.removeprefix(f"{base.network}/"))

    @property
    def network_module(self) -> nn.Module | None:
        """See `Representation.network_module`."""
        return self.base.network_module

    @property
    def stride(self) -> int:
        """See `Representation.stride`."""
        return self.base.stride

    @property
    def default_jitter(self) -> int:
        """See `Representation.default_jitter`."""
        return self.base.default_jitter

    @property
    def receptive_field(self) -> ReceptiveField | None:
        """See `Representation.receptive_field`: that of a component of the base.

        A matrix mixes all components, so that each of its components sees the whole image.
        """
        return None if self._flattens else self.base.receptive_field

    @property
    def reach(self) -> int:
        """See `Representation.reach`."""
        return self.base.reach

    @property
    def default_size(self) -> tuple[int, int] | None:
        """See `Representation.default_size`."""
        return self.base.default_size
