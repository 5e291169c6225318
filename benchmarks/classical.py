"""HOG, HOGb and DSIFT on one thread: the descriptors, the solvers, and how cost grows.

1. `classical_evaluations.csv`: milliseconds for one energy with its gradient, by compiled
   descriptors (if numba is installed), by eager ones, and by the plain ones under autograd,
   beside the floor: one FFT there and back, and one read and write of the image for each of
   the three passes (image to code, code to image, prior).
2. `classical_solvers.csv`: Algorithm 1, 300 iterations on the plain descriptors, against
   the fast solver, with and without numba: seconds, error, and their ratio, photo by photo
   in turn.
3. `classical_curves.csv` and `.png`: error against seconds for each solver.
4. `classical_growth.csv`: milliseconds per image for 128^2 to 2048^2 pixels and for
   batches of 1 to 8.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from statistics import fmean
from typing import Any, cast

import torch
from torch import Tensor

import preimage
from benchmarks.timing import interleaved, machine, write_csv
from preimage.compiling import has_numba
from preimage.losses import SquaredDistance, relative_error
from preimage.objective import Objective
from preimage.optimizer import Progress
from preimage.photo_files import shipped_photos
from preimage.presets import CLASSICAL_QUALITIES

NAMES = ("hog", "hogb", "dsift")
SIZE = 320
ALGORITHM_1 = preimage.NNPREIMAGE.replace(loss_weight=20)


class Plain(preimage.Representation):
    """A descriptor computed by its plain version, under autograd."""

    def __init__(self, inner: preimage.Representation) -> None:
        super().__init__()
        self.inner = cast(Any, inner)
        self.name = inner.name
        self.preprocessing = inner.preprocessing
        self.ignores_contrast = inner.ignores_contrast

    @property
    def stride(self) -> int:
        return cast(int, self.inner.stride)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.inner.plain(x))

    def code_shape(self, height: int, width: int) -> tuple[int, ...]:
        return cast(tuple[int, ...], self.inner.code_shape(height, width))

    def image_size(self, code_shape: tuple[int, ...]) -> tuple[int, int]:
        return cast(tuple[int, int], self.inner.image_size(code_shape))

    def flat_regions(self, codes: Tensor, size: tuple[int, int]) -> list[Any]:
        return cast(list[Any], self.inner.flat_regions(codes, size))


def run(out: Path) -> None:
    """Run all four parts, which takes about ten minutes of processor time."""
    torch.set_num_threads(1)
    print(machine())
    evaluations(out)
    solvers(out)
    curves(out)
    growth(out)


@contextmanager
def without_numba() -> Iterator[None]:
    """Let the package believe that numba is not installed."""
    numba = {name: sys.modules[name] for name in ("numba",) if name in sys.modules}
    sys.modules["numba"] = None  # type: ignore[assignment]
    has_numba.cache_clear()
    try:
        yield
    finally:
        del sys.modules["numba"]
        sys.modules.update(numba)
        has_numba.cache_clear()


def _energy(representation: preimage.Representation, x: Tensor, fuses: bool = True) -> Any:
    target = representation(x).detach()
    weights = torch.full((len(x),), 20.0)
    loss = SquaredDistance(target)
    size = (x.shape[-2], x.shape[-1])
    objective = Objective(representation, loss, ALGORITHM_1, weights, size)
    start = torch.randn(x.shape, generator=torch.Generator().manual_seed(0)) * 30
    energy = objective.fused() if fuses else objective
    return lambda: energy(start)


def evaluations(out: Path) -> None:
    """Milliseconds of one energy with its gradient at 320 x 240."""
    photo = shipped_photos()["chelsea"]
    rows = []
    for name in NAMES:
        representation = preimage.representation(name)
        x = representation.preprocessing.load(photo, SIZE)[None]
        spare = torch.empty_like(x)

        def floor(x: Tensor = x, spare: Tensor = spare) -> None:
            torch.fft.irfft2(torch.fft.rfft2(x), s=x.shape[-2:])
            for _ in range(3):
                torch.mul(x, 1.0, out=spare)

        functions = {
            "fast": _energy(representation, x),
            "eager": _energy(representation, x, fuses=False),
            "plain": _energy(Plain(representation), x, fuses=False),
            "floor": floor,
        }
        seconds = interleaved(functions, 30, time.process_time)
        rows.append(
            {
                "representation": name,
                **{f"{key}_ms": round(1e3 * value, 3) for key, value in seconds.items()},
                "plain_over_fast": round(seconds["plain"] / seconds["fast"], 2),
                "fast_over_floor": round(seconds["fast"] / seconds["floor"], 2),
            }
        )
        print(rows[-1])
    write_csv(out / "classical_evaluations.csv", rows)


def solvers(out: Path) -> None:
    """Seconds and error per photo of Algorithm 1 on the plain descriptors and of ours."""
    rows = []
    for name in NAMES:
        representation = preimage.representation(name)
        methods = {
            "algorithm-1 plain": (Plain(representation), ALGORITHM_1),
            "algorithm-1": (representation, ALGORITHM_1),
            **{q: (representation, s) for q, s in CLASSICAL_QUALITIES.items()},
            **{f"{q} eager": (representation, s) for q, s in CLASSICAL_QUALITIES.items()},
        }
        for settings in CLASSICAL_QUALITIES.values():  # compiled code is loaded
            preimage.invert(
                representation, next(iter(shipped_photos().values())), size=SIZE, settings=settings
            )
        seconds: dict[str, list[float]] = {method: [] for method in methods}
        errors: dict[str, list[float]] = {method: [] for method in methods}
        for photo in shipped_photos().values():
            for method, (phi, settings) in methods.items():
                with without_numba() if method.endswith("eager") else nullcontext():
                    begin = time.process_time()
                    result = preimage.invert(phi, photo, size=SIZE, settings=settings)
                    seconds[method].append(time.process_time() - begin)
                errors[method].append(100 * result.describe()["error"])
        for method in methods:
            rows.append(
                {
                    "representation": name,
                    "method": method,
                    "error_percent": round(fmean(errors[method]), 2),
                    "seconds": round(fmean(seconds[method]), 3),
                    "times_faster_than_algorithm_1_plain": round(
                        fmean(seconds["algorithm-1 plain"]) / fmean(seconds[method]), 1
                    ),
                }
            )
            print(rows[-1])
    write_csv(out / "classical_solvers.csv", rows)


def curves(out: Path) -> None:
    """Error of the float image against seconds, mean over the photos, with a plot."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    methods = {"Algorithm 1": ALGORITHM_1, "ours": CLASSICAL_QUALITIES["best"]}
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), sharey=True, layout="constrained")
    rows = []
    for name, axis in zip(NAMES, axes, strict=True):
        for method, settings in methods.items():
            runs = [_curve(name, photo, settings) for photo in shipped_photos().values()]
            points = [(fmean(t), fmean(e)) for t, e in (zip(*step) for step in zip(*runs))]  # noqa: B905
            for seconds, error in points:
                rows.append(
                    {
                        "representation": name,
                        "method": method,
                        "seconds": round(seconds, 4),
                        "error_percent": round(error, 2),
                    }
                )
            axis.plot(*zip(*points, strict=True), label=method, marker=".")
        axis.set(title=name, xlabel="seconds", xscale="log", yscale="log")
    axes[0].set_ylabel("reconstruction error, %")
    axes[0].legend(frameon=False)
    write_csv(out / "classical_curves.csv", rows)
    figure.savefig(out / "classical_curves.png", dpi=130)
    print(f"wrote {out / 'classical_curves.png'}")


def _curve(name: str, photo: Path, settings: preimage.Settings) -> list[tuple[float, float]]:
    """Seconds and error in percent at about 20 steps of one inversion."""
    representation = preimage.representation(name)
    target = representation(representation.preprocessing.load(photo, SIZE)[None])
    points: list[tuple[float, float]] = []
    clock = {"start": time.process_time()}

    def note(progress: Progress) -> None:
        now = time.process_time()
        if progress.step % max(1, progress.steps // 20) == 0:
            error = relative_error(representation(progress.images), target)
            points.append((now - clock["start"], 100 * float(error)))
            clock["start"] += time.process_time() - now

    preimage.invert(representation, photo, size=SIZE, settings=settings, progress=note)
    return points


def growth(out: Path) -> None:
    """Milliseconds per image of one energy with its gradient, by pixels and by batch."""
    rows = []
    for name in NAMES:
        representation = preimage.representation(name)
        photo = representation.preprocessing.load(shipped_photos()["chelsea"], (2048, 2048))
        cases = [(side, 1) for side in (128, 256, 512, 1024, 2048)] + [(256, n) for n in (2, 4, 8)]
        images = {
            (side, n): photo[None, :, :side, :side].expand(n, -1, -1, -1) for side, n in cases
        }
        functions = {str(case): _energy(representation, x) for case, x in images.items()}
        seconds = interleaved(functions, 15, time.process_time)
        for side, n in cases:
            per_image = 1e3 * seconds[str((side, n))] / n
            row = {"representation": name, "side": side, "batch": n}
            rows.append({**row, "ms_per_image": round(per_image, 3)})
            print(rows[-1])
    write_csv(out / "classical_growth.csv", rows)
