"""The properties of a representation, each found by an experiment on a `Subject`.

Each function answers one question. A function whose experiment fails raises ValueError, and
its message becomes the finding.
"""

from __future__ import annotations

import torch
from torch import Tensor

from preimage.checking.gradients import gradient_error
from preimage.checking.report import Property, Verdict
from preimage.checking.subject import Subject
from preimage.checking.units import find_units
from preimage.representations.base import Representation
from preimage.representations.fast_copy import difference
from preimage.representations.memory import peak_bytes
from preimage.representations.session import Session

_ROUNDING = 1e-4
"""The largest relative difference of codes that counts as rounding."""
_LARGEST_GRADIENT_ERROR = 0.05
_MOST_LISTED = 8
"""The number of channels or parameters that a finding names."""


def weights_are_finite(subject: Subject) -> Property:
    """Look for NaN and infinity in parameters and buffers."""
    network = subject.network
    if network is None:
        return Property("finite weights", "-", "no weights")
    tensors = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    bad = [name for name, t in tensors.items() if not bool(t.isfinite().all())]
    count = sum(parameter.numel() for parameter in network.parameters())
    if bad:
        return Property("finite weights", "no", f"NaN or infinity in {_listed(bad)}")
    return Property("finite weights", "yes", f"{_number(count)} parameters")


def runs(subject: Subject) -> Property:
    """Compute the code of a photo."""
    subject.representation.code_shape(*subject.size)  # raises if the images are too small
    code = subject.code(subject.photos[0])[0]
    shape = " x ".join(map(str, code.shape))
    if not bool(code.isfinite().all()):
        share = float((~code.isfinite()).double().mean())
        return Property("runs", "no", f"a code of {shape}, {_percent(share)} NaN or infinite")
    return Property("runs", "yes", f"a code of {shape}, {code.min():.3g} to {code.max():.3g}")


def is_deterministic(subject: Subject) -> Property:
    """Compute the code of one photo twice."""
    apart = difference(subject.code(subject.photos[0]), subject.codes[:1])
    if apart == 0:
        return Property("deterministic", "yes", "the same photo has the same code, bit for bit")
    words = f"two codes of the same photo differ by {_percent(apart)}"
    if apart < _ROUNDING:
        return Property("deterministic", "partly", f"{words}, as rounding does")
    return Property("deterministic", "no", f"{words}: the network draws random numbers")


def depends_on_image(subject: Subject) -> Property:
    """Compare the codes of two photos."""
    apart = difference(subject.codes[1], subject.codes[0])
    words = f"the codes of two photos differ by {_percent(apart)}"
    return Property("depends on the image", "yes" if apart > _ROUNDING else "no", words)


def is_differentiable(subject: Subject, exact: Representation | None) -> Property:
    """Compare gradients with finite differences of `exact`, a copy in float64 if there is one."""
    name = "differentiable"
    error, words = gradient_error(subject, exact)
    return Property(name, "yes" if error <= _LARGEST_GRADIENT_ERROR else "no", words)


def batch_comes_first(subject: Subject) -> Property:
    """Compare the codes of a batch of two photos with those of each alone."""
    name, together = "first axis is the batch", subject.photos[:2].clone()
    with torch.no_grad():
        codes = subject.representation(together)
    if codes.shape != subject.codes[:2].shape:
        return Property(name, "no", f"two images have codes of shape {tuple(codes.shape)}")
    apart = difference(codes, subject.codes[:2])
    if apart > _ROUNDING:
        words = f"in a batch with another image a code differs by {_percent(apart)}"
        return Property(name, "no", words)
    return Property(name, "yes", "the code of an image is the same in a batch and alone")


def channels_and_grid(subject: Subject) -> list[Property]:
    """Say which axis of the layer's own output holds the channels, and where its positions lie."""
    layers = list(subject.representation.layers.values())
    grids = list(subject.representation.code_grids(*subject.size).values())
    if len(grids) != 1:
        return []
    grid, words = grids[0], f"{grids[0].channels} channels"
    axes = layers[0].axes(*subject.size) if layers else None
    if axes is not None and axes.channels:
        words += f", axis {' and '.join(map(str, axes.channels))} of the output"
        words += f" (images: axis {axes.batch})" if axes.batch else ""
    is_guess = axes is not None and axes.is_guess
    if is_guess:
        words += ", the usual one, for nothing shows it: channel_axis= says which it is"
    rows, columns = grid.grid
    places = f"{rows} x {columns} positions" if rows * columns > 1 else "a single position"
    if grid.prefix:
        places += f", after {_listed(list(grid.prefix))}"
    verdict: Verdict = "partly" if is_guess else "-"
    return [Property("channels", verdict, words), Property("grid", "-", places)]


def saturation(subject: Subject) -> Property:
    """Count the responses to photos that equal the lowest or the highest value."""
    codes, name = subject.codes, "unsaturated"
    low, high = codes.min(), codes.max()
    at_low, at_high = (float((codes == end).double().mean()) for end in (low, high))
    sums = codes.flatten(1).sum(1)
    if codes.ndim == 2 and float(low) >= 0 and bool((sums - 1).abs().max() < 1e-3):
        words = "the scores are positive and add up to 1, as after a softmax: take the layer before"
        return Property(name, "partly", words)
    if low == high:
        return Property(name, "no", f"all responses are {low:.3g}")
    ends = ((at_low, low, "lowest"), (at_high, high, "highest"))
    common = [f"{_percent(n)} are {end:.3g}, the {word}" for n, end, word in ends if n >= 0.01]
    words = f"of the responses {' and '.join(common)}" if common else "responses of all values"
    return Property(name, "no" if at_low + at_high > 0.99 else "yes", words)


def responds(subject: Subject) -> list[Property]:
    """Find the channels that are constant over all photos, and those constant over noise only."""
    grids = subject.representation.code_grids(*subject.size)
    if len(grids) != 1:
        return []
    (grid,) = grids.values()
    photos = _by_channel(grid.by_position(subject.codes))
    start = _by_channel(grid.by_position(subject.code(subject.start[0])))
    if photos.shape[1] < 2:
        return []
    dead = photos.amax(1) == photos.amin(1)
    words = f"respond alike to all {len(subject.photos)} photos (dead)"
    rows = [_channels("responds to photos", dead, words)]
    if start.shape[1] > 1:  # a channel with a single response is trivially constant
        asleep = (start.amax(1) == start.amin(1)) & ~dead
        words = "respond alike at all positions of noise (asleep)"
        rows.append(_channels("responds to noise", asleep, words))
    return rows


def units(subject: Subject) -> Property:
    """Compare the scale of the network's inputs for photos with that in training."""
    return find_units(subject)


def receptive_field(subject: Subject) -> Property:
    """Say how much of the image a component sees."""
    phi, name = subject.representation, "receptive field"
    field = phi.receptive_field
    if field is None:
        whole = "a component sees the whole image"
        return Property(name, "-", whole if phi.is_network else "not known")
    words = f"{field.size} x {field.size} pixels, one every {field.stride:g}"
    return Property(name, "-", words)


def fast_copy(subject: Subject, session: Session) -> Property:
    """Compare the code that a faster copy of the network computes, or say why there is none.

    `session` is an open session that runs the copy.
    """
    name, code = "fast copy", subject.code(subject.photos[0])
    if session.ran.network is None:
        return Property(name, "-", "no network")
    if session.ran.fallback is not None:
        return Property(name, "partly", f"it runs as it is: {session.ran.fallback}")
    apart = difference(code, subject.codes[:1])
    return Property(name, "yes", f"its code differs by {_percent(apart)}, as rounding does")


def memory(subject: Subject, session: Session) -> Property:
    """Measure the memory of one image, with its gradient, in an open session."""
    phi = subject.representation

    def evaluate() -> None:
        x = subject.photos[:1].clone().requires_grad_()
        with torch.enable_grad():
            codes = phi(x)
        torch.autograd.grad(codes, x, torch.ones_like(codes))

    peak, weights = peak_bytes(evaluate, subject.device), session.weight_bytes
    words = f"{peak / 2**20:.0f} MB for one image and its gradient"
    if weights:
        words += f", {weights / 2**20:.0f} MB for weights"
    return Property("memory", "-", words)


def _by_channel(responses: Tensor) -> Tensor:
    """Return responses (N, P, K) by channel, (K, N P)."""
    return responses.flatten(0, 1).T


def _channels(name: str, chosen: Tensor, words: str) -> Property:
    """Return a property that holds for all channels but the chosen ones, (K,)."""
    numbers, count = chosen.nonzero().flatten().tolist(), len(chosen)
    if not numbers:
        return Property(name, "yes", f"each of {count} channels")
    if len(numbers) == count:
        return Property(name, "no", f"all {count} channels {words}")
    listed = _listed(list(map(str, numbers)))
    return Property(name, "partly", f"{len(numbers)} of {count} channels {words}: {listed}")


def _listed(names: list[str]) -> str:
    more = len(names) - _MOST_LISTED
    return ", ".join(names[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _number(count: int) -> str:
    for size, unit in ((1e9, " billion"), (1e6, " million"), (1e3, " thousand")):
        if count >= size:
            return f"{count / size:.3g}{unit}"
    return str(count)
