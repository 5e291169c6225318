"""The check of a representation, property by property."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import torch

from preimage.checking import properties
from preimage.checking.gradients import in_float64
from preimage.checking.report import Property, Report
from preimage.checking.subject import Subject
from preimage.checking.untouched import Fingerprint
from preimage.networks import Network
from preimage.preprocessing import DEFAULT_SIZE
from preimage.representations.base import Representation
from preimage.representations.execution import Execution
from preimage.representations.no_gradient import NoGradientError
from preimage.representations.threads import use_threads
from preimage.visualizations.solve import check_arguments

_OF_THE_NETWORK: tuple[Callable[[Subject], Property | list[Property]], ...] = (
    properties.is_deterministic,
    properties.depends_on_image,
    properties.batch_comes_first,
    properties.channels_and_grid,
    properties.saturation,
    properties.responds,
    properties.units,
    properties.receptive_field,
)
"""The properties of a representation that runs."""


def check(
    model: Representation | Network,
    *,
    size: int | tuple[int, int] | None = None,
    device: str | torch.device = "cpu",
) -> Report:
    """Check whether a representation fits what preimage does with it.

    The experiments take some seconds, more for a large network. They use the shipped photos and
    noise. They leave the network as it was, which the report confirms in a row of its own.

    Args:
        model: a representation; or a network, whose class scores are checked.
        size: height and width of the images, or the side of square ones; by default the
            representation's own, or 224 x 224.
        device: where to compute.

    Raises:
        TypeError: if `model` is neither a representation nor a network.

    >>> from torch import nn
    >>> from preimage.preprocessing import GRAY
    >>> from preimage.representations.layer import Layer
    >>> edges = Layer(nn.Sequential(nn.Conv2d(1, 4, 5), nn.ReLU()), "1", GRAY)
    >>> report = check(edges, size=(32, 32))
    >>> report.ok, report["receptive field"].finding
    (True, '5 x 5 pixels, one every 1')
    """
    representation = model.layer(model.score_layer) if isinstance(model, Network) else model
    check_arguments(representation, (0,))
    size = (size, size) if isinstance(size, int) else size or representation.default_size
    size = size or DEFAULT_SIZE
    network = representation.network_module
    before = Fingerprint.take(network)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the table reports what they say
        found = list(_find(representation, size, torch.device(device)))
    changed = before.changed(Fingerprint.take(network))
    found.append(_untouched(changed))
    return Report(representation.name, size, tuple(found))


def _find(
    representation: Representation, size: tuple[int, int], device: torch.device
) -> Iterator[Property]:
    """Yield each property; stop early if the representation does not run."""
    subject, exact = Subject(representation, size, device), in_float64(representation)
    with representation.session(device, Execution(accelerate="plain")):
        yield properties.weights_are_finite(subject)
        rows = _runs(subject)
        yield from rows
        if rows[-1].verdict == "no":
            return
    with (
        representation.session(device, Execution(accelerate="plain")),
        use_threads(None, lambda: subject.code(subject.photos[0])),
    ):
        yield from _found("differentiable", properties.is_differentiable, subject, exact)
        for find in _OF_THE_NETWORK:
            yield from _found(find.__name__.replace("_", " "), find, subject)
    with representation.session(device) as fast:
        yield from _found("fast copy", properties.fast_copy, subject, fast)
        yield from _found("memory", properties.memory, subject, fast)


def _runs(subject: Subject) -> list[Property]:
    """Return whether the representation runs, with a row on why no gradient reaches the image."""
    try:
        return [properties.runs(subject)]
    except NoGradientError as error:
        name = "differentiable" if error.depends else "depends on the image"
        ends = "its forward pass ends without an error"
        return [Property("runs", "yes", ends), Property(name, "no", str(error))]
    except ValueError as error:
        return [Property("runs", "no", str(error))]


def _found(
    name: str, find: Callable[..., Property | list[Property]], *of: object
) -> list[Property]:
    """Return what an experiment finds; if it raises ValueError, the message is the finding."""
    try:
        found = find(*of)
    except ValueError as error:
        return [Property(name, "no", str(error))]
    return [found] if isinstance(found, Property) else found


def _untouched(changed: list[str]) -> Property:
    if changed:
        return Property("stays as it was", "no", f"changed: {', '.join(changed)}")
    return Property("stays as it was", "yes", "modes, weights, buffers, hooks and threads")
