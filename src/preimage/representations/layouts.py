"""The layouts of the outputs of a network's layers, found when they are first needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial

from torch import Tensor, nn

from preimage.representations.axes import Axes, Evidence, find_axes
from preimage.representations.code_grid import CodeGrid
from preimage.representations.declared_axes import says_channels_last, widths
from preimage.representations.layer_path import LayerPath, submodule
from preimage.representations.tokens import patch_grids, prefix_tokens, token_grid

Trial = Callable[[int, tuple[int, int]], Mapping[str, Tensor]]
"""Returns the layers' own outputs, given the number and size of images; the first is black.

Of two, the second has noise in a corner; three are those of `position_axes.quarters`.
"""


@dataclass(frozen=True, slots=True)
class Layouts:
    """The conversion of some layers' outputs to codes, and the grids of these codes.

    Attributes:
        network: the network.
        channel_axes: the axis of channels in each layer's output; None for one that is to be found.
    """

    network: nn.Module
    channel_axes: Mapping[str, int | None]
    _axes: dict[str, Axes] = field(default_factory=dict)

    def codes(
        self, outputs: Mapping[str, Tensor], images: int, size: tuple[int, int], trial: Trial
    ) -> dict[str, Tensor]:
        """Return the codes (N, ...) of the layers for `images` images, from their own outputs.

        Raises:
            AxisError: if the axes of an output cannot be told apart.
        """
        if len(self._axes) < len(outputs):
            trial = cache(trial)
        return {
            layer: self._of(layer, output, images, size, trial).canonical(output, images)
            for layer, output in outputs.items()
        }

    @property
    def axes(self) -> Mapping[str, Axes]:
        """The axes of each layer's own output, as far as they have been found."""
        return self._axes

    def grids(
        self, outputs: Mapping[str, Tensor], size: tuple[int, int], trial: Trial
    ) -> dict[str, CodeGrid | None]:
        """Return the grid of each code from the layers' outputs for one image; None for no grid."""
        trial = cache(trial)
        return {layer: self._grid(layer, output, size, trial) for layer, output in outputs.items()}

    def _of(
        self, layer: str, output: Tensor, images: int, size: tuple[int, int], trial: Trial
    ) -> Axes:
        """Return the axes of a layer's output, which are found in the first call."""
        if layer not in self._axes:
            path = LayerPath.parse(self.network, layer)
            evidence = Evidence(
                layer=layer,
                module=_returned_by(self.network, path),
                output=output,
                images=images,
                size=size,
                token_counts=partial(self._token_counts, layer, size),
                widths=widths(self.network),
                is_last=says_channels_last(self.network, path.module),
                run=lambda images, size: trial(images, size)[layer],
            )
            self._axes[layer] = find_axes(evidence, self.channel_axes[layer])
        return self._axes[layer]

    def _token_counts(self, layer: str, size: tuple[int, int]) -> tuple[int, ...]:
        """Return the possible numbers of tokens of the network, with and without the prefix."""
        before = len(prefix_tokens(self.network, layer))
        grids = patch_grids(self.network, size)
        return tuple(rows * columns + extra for rows, columns in grids for extra in (before, 0))

    def _grid(
        self, layer: str, output: Tensor, size: tuple[int, int], trial: Trial
    ) -> CodeGrid | None:
        """Return the grid of a code; None if it is neither maps, nor tokens, nor a vector."""
        axes = self._of(layer, output, 1, size, trial)
        shape = tuple(axes.canonical(output, 1).shape[1:])
        if len(shape) not in (1, 2, 3):
            return None
        if len(shape) != 2:
            return CodeGrid.from_shape(shape)
        windows = axes.windows(tuple(output.shape), 1)
        if windows is not None:
            return CodeGrid(shape, shape[1], windows)

        def count_at(size: tuple[int, int]) -> int | None:
            codes = axes.canonical(trial(1, size)[layer], 1)
            return codes.shape[1] if codes.ndim == 3 else None

        def changes() -> Tensor | None:
            try:
                codes = axes.canonical(trial(2, size)[layer], 2).detach()
            except ValueError:  # the network takes one image at a time
                return None
            return (codes[1] - codes[0]).square().sum(1)

        prefix, grids = prefix_tokens(self.network, layer), patch_grids(self.network, size)
        grid, names = token_grid(shape[0], size, prefix, grids, count_at, changes)
        return CodeGrid(shape, shape[1], grid, names)


def _returned_by(network: nn.Module, path: LayerPath) -> nn.Module | None:
    """Return the module that returns a layer's values; None for inputs, items and operations."""
    if not path.module or path.takes_input:
        return None
    module = submodule(network, path.module)
    is_attention = isinstance(module, nn.MultiheadAttention) and path.steps == (0,)
    return module if is_attention or not path.steps else None
