"""The units of a network's input: its scale for photos, compared with that in training.

A batch normalization stores the mean and the variance of its input in training. If its input has
another scale for photos, mean and std of the preprocessing belong to another network, or are in
other units.
"""

from __future__ import annotations

from contextlib import ExitStack

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from preimage.checking.report import Property
from preimage.checking.subject import Subject

_MOST_APART = 3.0
"""The largest accepted ratio of standard deviations, of photos to training or the reverse."""


def find_units(subject: Subject) -> Property:
    """Return the range of the network's input, and whether it had the same scale in training."""
    name, preprocessing = "units of its input", subject.representation.preprocessing
    inputs = preprocessing.to_network(subject.photos)
    words = f"photos give it {inputs.min():.3g} to {inputs.max():.3g}"
    ratio = _ratio_to_training(subject)
    if ratio is None:
        return Property(name, "-", words)
    if 1 / _MOST_APART < ratio < _MOST_APART:
        return Property(name, "yes", f"{words}, {ratio:.2g} times the deviation of its training")
    words += f", {ratio:.2g} times the deviation of its training: are mean and std in 0..255?"
    return Property(name, "no", words)


def _ratio_to_training(subject: Subject) -> float | None:
    """Return the median ratio of deviations at the first batch normalization; None without one."""
    seen: list[tuple[_BatchNorm, Tensor]] = []

    def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if isinstance(module, _BatchNorm) and (not seen or module is seen[0][0]):
            seen.append((module, inputs[0].detach().transpose(0, 1).flatten(1)))

    if subject.network is None:
        return None
    subject.representation.code_shapes(*subject.size)  # its trial runs are not to be noted
    with ExitStack() as undo:
        for module in subject.network.modules():
            if isinstance(module, _BatchNorm) and module.running_var is not None:
                undo.callback(module.register_forward_pre_hook(note).remove)
        for photo in subject.photos:
            subject.code(photo)
    if not seen:
        return None
    expected = seen[0][0].running_var
    if expected is None or bool((expected == 1).all()):  # never trained
        return None
    found = torch.cat([x for _, x in seen], 1).var(1)
    return float((found / expected.clamp(min=1e-12)).sqrt().median())
