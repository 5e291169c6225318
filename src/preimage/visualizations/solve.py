"""The shared part of all visualizations: checks of arguments, and the minimization of Equation 1.

A visualization states a `Problem`, `solve` minimizes Eq. 1 for it, and the visualization adds
to the result what only it knows, such as the error of an inversion.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from preimage.checks import check_seeds
from preimage.decoding import ImageLike
from preimage.images import stack_images
from preimage.loss_weight import LossWeight, is_auto
from preimage.names import with_article
from preimage.objective import Loss, Objective
from preimage.optimizer import Progress, minimize
from preimage.optimizer.continuation import first_weights
from preimage.preprocessing import Preprocessing
from preimage.presets import Visualization
from preimage.priors.function import PriorFunction, name_of
from preimage.representations.base import Representation
from preimage.representations.execution import Execution, find_device
from preimage.representations.flat_regions import FlatRegions
from preimage.representations.memory import limit_memory
from preimage.representations.session import Session
from preimage.representations.threads import use_threads
from preimage.settings import PRIORS, Settings
from preimage.solver_settings import Algorithm1
from preimage.versions import memory_of_machine, versions
from preimage.visualizations.pre_image import PreImage
from preimage.visualizations.progress_bar import check_progress

_USUAL_MARGIN = 64
"""A margin of the jitter that even the smallest images may have."""


def check_arguments(representation: object, seeds: object) -> Sequence[int]:
    """Return the seeds; raise TypeError or ValueError for a wrong representation or seeds."""
    if isinstance(representation, Representation):
        return check_seeds(seeds)
    if isinstance(representation, nn.Module):
        raise TypeError(
            f"{with_article(type(representation).__name__)} is a network: name one of its layers, "
            "as in preimage.Layer(module, 'LAYER', preimage.Preprocessing(mean, std, size))"
        )
    raise TypeError(
        "the representation must be one such as preimage.HOG() or "
        f"preimage.representation('hog'), not {representation!r}"
    )


def check_options(
    settings: object, device: str | torch.device, execution: object, progress: object
) -> torch.device:
    """Return the device; raise TypeError or ValueError if any of these is wrong."""
    check_progress(progress)
    if settings is not None and not isinstance(settings, Settings):
        raise TypeError(
            "settings must be a preimage.Settings, such as preimage.NNPREIMAGE.replace(beta=1), "
            f"not {settings!r}"
        )
    if not isinstance(execution, Execution):
        raise TypeError(
            "execution must be a preimage.Execution, such as Execution(accelerate='plain'), "
            f"not {execution!r}"
        )
    found = find_device(device)
    execution.check(found)
    return found


def choose_prior(
    settings: Settings, prior: str | PriorFunction | None
) -> tuple[Settings, PriorFunction | None]:
    """Return the settings with the name of a prior, and the function if it is a user's own."""
    if prior is None or isinstance(prior, str):
        return settings if prior is None else settings.replace(prior=prior), None
    if not callable(prior):
        raise TypeError(f"prior must be {' or '.join(PRIORS)} or a function, not {prior!r}")
    return settings.replace(prior=name_of(prior)), prior


def check_memory(representation: Representation, size: tuple[int, int], count: int) -> None:
    """Raise ValueError if the results alone need more memory than the machine has.

    A run keeps its images and codes, and about as much again for its targets, gradients and trace.
    """
    code_shape = representation.code_shape(*size)  # raises if the images are too small
    values = representation.preprocessing.channels * math.prod(size) + math.prod(code_shape)
    needed, there = 8 * values * count, memory_of_machine()
    if there is not None and needed > there:
        raise ValueError(
            f"{count} results of {size[0]} x {size[1]} pixels need at least "
            f"{needed / 2**30:.3g} GB of memory, but the machine has {there / 2**30:.3g} GB: ask "
            "for fewer or smaller results at a time"
        )


def load_photos(
    preprocessing: Preprocessing,
    photos: ImageLike | Sequence[ImageLike],
    size: int | tuple[int, int] | None,
) -> Tensor:
    """Return one photo, or several of one size, as images of the core, (N, D, H, W)."""
    listed: Sequence[ImageLike] = photos if isinstance(photos, list | tuple) else [photos]  # type: ignore[list-item]
    if not listed:
        raise ValueError("no image was given")
    return stack_images([preprocessing.load(photo, size) for photo in listed])


def trial_evaluation(
    representation: Representation, size: tuple[int, int], count: int, settings: Settings
) -> Callable[[], None]:
    """Return a function that evaluates the representation once, and its gradient.

    It does so for noise, as `count` images of height and width `size`, by the code that the solver
    of the settings runs.
    """
    is_eager = isinstance(settings.solver, Algorithm1)
    mean = representation.preprocessing.to_255(
        torch.zeros(representation.preprocessing.channels, 1, 1, dtype=torch.float32, device="cpu")
    )
    shape = (1 if representation.is_network else count, len(mean), *size)

    def evaluate() -> None:
        generator = torch.Generator().manual_seed(0)
        noise = torch.rand(shape, generator=generator, dtype=torch.float32, device="cpu")
        measured = representation if is_eager else representation.fused()
        codes, to_image = measured.linearized(255 * noise - mean)
        to_image(torch.ones_like(codes))

    return evaluate


@contextmanager
def ready(
    representation: Representation,
    size: tuple[int, int],
    count: int,
    settings: Settings,
    device: torch.device,
    execution: Execution,
) -> Iterator[Session]:
    """Prepare the representation for many calls, and set torch's number of threads for them.

    If `execution` does not give the number, the faster one is measured; see `trial_evaluation`.
    """
    evaluate = trial_evaluation(representation, size, count, settings)
    with representation.session(device, execution) as session:
        fixed = None if device.type == "cpu" else torch.get_num_threads()
        with use_threads(execution.threads or fixed, evaluate):
            yield session


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A batch of images to find, with the energy and the start of each image.

    Attributes:
        sources: index of the photo, code or target of each image.
        loss: the loss of each image against its target.
        loss_weights: C of each image; "auto" chooses it during the run.
        seeds: the seed of each image, which fixes its noise and its views.
        size: height and width of all images.
        start: the images to start from, (N, D, H, W); noise if None.
        is_rough: whether these are only roughly right, so that the solver leaves out no part.
        flat: the regions of each image that are known to be flat; None if nothing is known.
        wakes: whether gradients pass activations that would stop them; see `Objective`.
    """

    visualization: Visualization
    sources: Sequence[int]
    loss: Loss
    loss_weights: Sequence[LossWeight]
    seeds: Sequence[int]
    size: tuple[int, int]
    start: Tensor | None = None
    is_rough: bool = False
    flat: Sequence[FlatRegions | None] | None = None
    wakes: bool = False

    def select(self, rows: Sequence[int]) -> Problem:
        """Return the problem of only the images at `rows`."""
        return dataclasses.replace(
            self,
            sources=[self.sources[row] for row in rows],
            loss=self.loss.select(rows),
            loss_weights=[self.loss_weights[row] for row in rows],
            seeds=[self.seeds[row] for row in rows],
            start=None if self.start is None else self.start[list(rows)],
            flat=None if self.flat is None else [self.flat[row] for row in rows],
        )


def solve(
    representation: Representation,
    session: Session,
    problem: Problem,
    settings: Settings,
    device: torch.device,
    execution: Execution,
    progress: Callable[[Progress], None] | None,
    snapshot_every: int,
    prior: PriorFunction | None,
) -> PreImage:
    """Return the images that minimize Eq. 1, with all that every visualization reports.

    `session` is the open session of the representation, `prior` a user's own function, if any; the
    other options are as in `invert`.
    """
    began = time.perf_counter()
    # 1. One random stream for each image: first for its noise, then for its views.
    generators = [torch.Generator().manual_seed(seed) for seed in problem.seeds]
    own = settings if problem.start is None or problem.is_rough else settings.from_images()
    start = _start(representation, problem, own, generators).to(device)
    # 2. As many images at once as memory holds.
    at_once = _images_at_once(representation, session, problem, execution, device)
    # 3. The energy of Eq. 1, and its minimum.
    chooses = [is_auto(weight) for weight in problem.loss_weights]
    c = start.new_tensor(first_weights(problem.loss_weights, representation, own.solver))
    scaled = own.for_channels(representation.preprocessing.channels)
    objective = Objective(
        representation, problem.loss, scaled, c, problem.size, problem.flat, at_once,
        problem.wakes, prior,
    )  # fmt: skip
    minimum = minimize(
        objective, start, scaled, generators, chooses=chooses, progress=progress,
        snapshot_every=snapshot_every,
    )  # fmt: skip
    pairs = zip(problem.loss_weights, minimum.trace.loss_weight.tolist(), strict=True)
    session.compare_again()
    # 4. The codes of the images that were found, and all else.
    return PreImage(
        visualization=problem.visualization,
        representation=representation.name,
        weights=dict(representation.weights),
        preprocessing=representation.preprocessing,
        settings=settings,
        images=minimum.images,
        codes=representation.encode(minimum.images),
        sources=tuple(problem.sources),
        loss_weights=tuple(chosen if isinstance(given, str) else given for given, chosen in pairs),
        seeds=tuple(problem.seeds),
        trace=minimum.trace,
        snapshots=minimum.snapshots,
        interrupted=minimum.interrupted,
        seconds=(time.perf_counter() - began) / len(start),
        ran=dataclasses.replace(session.ran, at_once=objective.images_at_once(minimum.images)),
        versions=versions(str(device)),
    )


def _images_at_once(
    representation: Representation,
    session: Session,
    problem: Problem,
    execution: Execution,
    device: torch.device,
) -> int:
    """Return how many images memory holds at once; raise ValueError if they are too few."""
    count = len(problem.seeds)
    fitting = limit_memory(representation, session, problem.size, count, execution.memory, device)
    if fitting < count and problem.loss.is_joint:
        raise ValueError(
            f"diversity needs all {count} images in memory at once, but the limit of "
            f"{execution.memory} bytes holds {fitting}"
        )
    return fitting


def _start(
    representation: Representation,
    problem: Problem,
    settings: Settings,
    generators: Sequence[torch.Generator],
) -> Tensor:
    """Return the images to start from, with the margin of the jitter, (N, D, H, W)."""
    margin = settings.shifts(representation) - 1
    most = max(problem.size) if problem.start is None else 2 * min(problem.size) - 2
    if margin > max(most, _USUAL_MARGIN if problem.start is None else 0):
        raise ValueError(
            f"a jitter of {margin + 1} shifts is too large for images of "
            f"{problem.size[0]} x {problem.size[1]}"
        )
    if problem.start is not None:
        return with_margin(problem.start, margin)
    height, width = problem.size
    shape = (representation.preprocessing.channels, height + margin, width + margin)
    amplitude = settings.start_amplitude * settings.pixel_norm
    return torch.stack([noise(shape, amplitude, generator) for generator in generators])


def noise(shape: tuple[int, int, int], pixel_norm: float, generator: torch.Generator) -> Tensor:
    """Return the noise (D, H, W) that images start from, as in the authors' code.

    It is uniform in [-1, 1], divided by its own 95 % quantile and multiplied by B / sqrt(3);
    `pixel_norm` is B.
    """
    drawn = torch.rand(shape, generator=generator, dtype=torch.float32, device="cpu")
    values = drawn.mul_(2).sub_(1)
    rank = max(1, math.ceil(0.95 * values.numel()))
    quantile = values.new_tensor(np.partition(values.numpy(), rank - 1, axis=None)[rank - 1])
    return values.mul_(pixel_norm / math.sqrt(3) / quantile)


def with_margin(images: Tensor, margin: int) -> Tensor:
    """Return images (N, D, H, W) enlarged by `margin` rows and columns, mirrored at the border.

    >>> with_margin(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), 1)[0, 0].tolist()
    [[1.0, 2.0, 1.0], [3.0, 4.0, 3.0], [1.0, 2.0, 1.0]]
    """
    before, after = margin // 2, margin - margin // 2
    return torch.nn.functional.pad(images, (before, after, before, after), mode="reflect")
