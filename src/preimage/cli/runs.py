"""The runs of a command, one after the other in this process or shared out among workers."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from preimage.cli.errors import print_traceback
from preimage.cli.inputs import Content, Source
from preimage.cli.progress import announce

if TYPE_CHECKING:
    from preimage.cli.progress import ProgressBar
    from preimage.optimizer import Progress
    from preimage.representations.base import Representation
    from preimage.representations.execution import Execution
    from preimage.settings import Settings
    from preimage.visualizations import PreImage
    from preimage.workers import Reporter

T = TypeVar("T")

ERRORS = (OSError, ValueError, ArithmeticError, Warning)
"""The errors that a user can cause: they end one run, and the others go on."""


@dataclass(frozen=True, slots=True)
class Run:
    """One call of a visualization.

    Attributes:
        name: its name on the progress bar.
        key: the beginning of its results' file names; runs of one key share names.
        compute: computes it; called with what is to be called after each step.
    """

    name: str
    key: str
    compute: Callable[[Callable[[Progress], None]], PreImage]


@dataclass(frozen=True, slots=True, eq=False)
class Input:
    """One input of a command, and what is computed for it.

    Attributes:
        name: the input as the user gave it.
        stem: how its file names begin; if empty, with the representation.
        runs: computes its results: each gives one for each seed and loss weight.
        describe: returns what an image's sidecar adds to what the result describes.
        is_batch: whether it holds several codes, whose numbers go into the file names.
        class_name: returns the name of an image's maximized class, which the judge looks for.
    """

    name: str
    stem: str
    runs: Sequence[Run]
    describe: Callable[[PreImage, int], Mapping[str, Any]]
    is_batch: bool = False
    class_name: Callable[[PreImage, int], str | None] = lambda result, index: None


def inputs_of(
    sources: Iterable[Source],
    representations: Sequence[Representation],
    read: Callable[[Representation, Source], Content],
    visualize: Callable[..., PreImage],
) -> Iterator[Input]:
    """Return the inputs of a command that works on photos or codes.

    Args:
        sources: the photos, and files of codes.
        representations: by which each of them is visualized.
        read: returns the content of a source.
        visualize: called with a representation, the content, `progress`, and the index of the
            photo or code in the content.
    """
    for source in sources:

        def describe(_: PreImage, __: int, source: Source = source) -> dict[str, str]:
            return {"input": source.name, "sha256": source.sha256}

        runs: list[Run] = []
        is_batch = False
        for phi in representations:
            count = _count_parts(phi, source, read)
            is_batch = is_batch or count > 1
            for part in range(count):
                name = f"{source.name} {phi.name}"
                name += f" {part + 1} of {count}" if count > 1 else ""
                compute = functools.partial(_compute_part, read, visualize, phi, source, part)
                runs.append(Run(name, f"{source.stem}.{phi.name}.{part}", compute))
        yield Input(source.name, source.stem, runs, describe, is_batch)


def _compute_part(
    read: Callable[[Representation, Source], Content],
    visualize: Callable[..., PreImage],
    phi: Representation,
    source: Source,
    part: int,
    progress: Callable[[Progress], None],
) -> PreImage:
    """Return the result of one part of a source, such as one of its codes."""
    result = visualize(phi, read(phi, source), progress, part)
    return dataclasses.replace(result, sources=(part,) * len(result))


def _count_parts(
    phi: Representation, source: Source, read: Callable[[Representation, Source], Content]
) -> int:
    """Return the number of codes of a source; 1 for a photo, or if it cannot be read."""
    if not source.is_code:
        return 1
    try:
        return len(read(phi, source).parts)
    except ValueError:
        return 1


@dataclass(frozen=True, slots=True)
class Sharing:
    """The division of a command's work among processes.

    Attributes:
        workers: number of processes that share its runs.
        options: the options of each run: `execution`, and `workers` if there is a single one.
    """

    workers: int
    options: dict[str, Any]


def share_out(
    workers: int | None,
    execution: Execution,
    device: str,
    runs: int,
    saves_time: Callable[[int], bool],
) -> Sharing:
    """Return how many processes share the runs of a command, or the images of its only run.

    By default, it is one for each core if `saves_time` (called with that number), where workers
    start at once and no other way to use cores or memory was asked for. A limit of memory is that
    of all of them together.

    Raises:
        ValueError: if workers contradict another option.
    """
    from preimage.workers import count_cores, start_method

    number, threads = workers, execution.threads
    if workers is None:
        is_open = device == "cpu" and threads is None and execution.memory is None
        method = start_method(can_copy=execution.accelerate != "compile")
        number = count_cores() if is_open and method == "fork" else 1
    elif workers > 1 and threads not in (None, 1):
        raise ValueError("each worker has one thread: give --workers or --threads")
    elif workers > 1 and device != "cpu":
        raise ValueError(f"workers share the cores of a CPU: leave --workers out on {device}")
    if runs <= 1:
        return Sharing(1, {"execution": execution, "workers": number})
    number = min(number or 1, runs)
    if number == 1 or (workers is None and not saves_time(number)):
        return Sharing(1, {"execution": execution})
    memory = None if execution.memory is None else max(1, execution.memory // number)
    one = dataclasses.replace(execution, threads=1, memory=memory)
    return Sharing(number, {"execution": one})


def saves_time(
    find: Callable[[], tuple[Representation, tuple[int, int], Settings]],
    images: int,
    execution: Execution,
    workers: int,
) -> bool:
    """Tell whether workers save time, from an evaluation of a typical image that `find` returns.

    What cannot be evaluated does not decide: the run itself tells what is wrong with it.
    """
    import torch

    from preimage.representations.threads import use_threads
    from preimage.visualizations import sharing

    try:
        phi, size, settings = find()
        with phi.session(torch.device("cpu"), execution), use_threads(1):
            return sharing.saves_time(workers, phi, size, images, settings, "fork")
    except ERRORS:
        return True


def carry_out(
    runs: Sequence[Run], workers: int, bar: ProgressBar
) -> Iterator[tuple[int, PreImage | BaseException]]:
    """Yield the index of each run with its result or error, as it ends.

    After Ctrl-C the runs that were begun end with what they have, and the others do not begin.
    """
    if workers > 1:
        yield from _in_workers(runs, workers, bar)
        return
    for index, run in enumerate(runs):
        try:
            found = run.compute(bar.for_steps(run.name))
        except ERRORS as error:
            print_traceback()
            yield index, error
            continue
        yield index, found
        if found.interrupted:
            return


def _in_workers(
    runs: Sequence[Run], workers: int, bar: ProgressBar
) -> Iterator[tuple[int, PreImage | BaseException]]:
    """Carry out runs in workers, which are copies of this process if such can compute."""
    from preimage.representations.memory import MemoryLimitError
    from preimage.workers import Done, share, start_method

    done = 0
    words = f"{len(runs)} results, {workers} workers"
    bar.start(words)

    def watch(_: int, state: tuple[int, int]) -> None:
        step, steps = state
        bar.update(done, len(runs), f"step {step} of {steps}")

    for index, end in share(_compute, runs, workers=workers, method=start_method(), watch=watch):
        done += 1
        bar.update(done, len(runs))
        if isinstance(end, Done):
            yield index, end.value
        else:
            error = end.error
            yield index, error.among(workers) if isinstance(error, MemoryLimitError) else error


def _compute(run: Run, reporter: Reporter) -> PreImage:
    """Compute a run in a worker."""
    return run.compute(lambda progress: reporter(lambda: (progress.step, progress.steps)))


def announced(
    ends: Iterable[T], inputs: Sequence[Input], workers: int, is_interrupted: Callable[[], bool]
) -> Iterator[T]:
    """Yield the ends of runs; after the first input, or code, print how long the rest will take."""
    began = time.perf_counter()
    of_first = len(inputs[0].runs) if inputs else 0
    for index, end in enumerate(ends):
        yield end
        if is_interrupted():
            continue
        each = (time.perf_counter() - began) / workers
        if index == 0 and inputs[0].is_batch:
            announce(each * (of_first - 1), f"{of_first} codes", "--limit")
        if index == of_first - 1:
            announce(each * (len(inputs) - 1), f"{len(inputs)} inputs", "--limit")
