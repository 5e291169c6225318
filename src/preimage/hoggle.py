"""HOGgle: HOG inverted by paired dictionaries, the baseline of Table 4.

Vondrick, Khosla, Malisiewicz and Torralba, "HOGgles: Visualizing Object Detection Features"
(ICCV 2013). A patch x of an image and the HOG y of the cells inside it share one sparse code a:
x ~ U' a and y ~ V' a. The rows of U and V are atoms, learned together from patches of photos by

    min  1/2 ||[x, y] - [U, V]' a||^2 + lambda |a|_1,   a >= 0,

where [x, y] is x followed by y, each without its mean and of unit norm. To invert HOG, find the
code of every window of cells with V alone (the lasso), draw its patch with U, and average where
patches overlap, weighted by a Gaussian.

As in the authors' code (iHOG), a window is 5 x 5 cells of 8 pixels, a patch one cell wider on
every side, there are 1024 atoms, and sigma is 9. docs/table4.md lists what differs.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from preimage.decoding import ImageError
from preimage.files import check_archive, check_is_file, sha256, write_whole
from preimage.images import with_deviation
from preimage.models.optional import import_optional
from preimage.preprocessing import GRAY
from preimage.presets import NNPREIMAGE
from preimage.representations.hog import HOG

CELLS = 5
CELL_SIZE = 8
PATCH = (CELLS + 2) * CELL_SIZE
SIGMA = 9.0
SPARSITY = 0.05
"""The weight lambda of |a|_1."""
SIZES = (320, 384)
"""Lengths to which the longer side of photos is reduced for learning."""
FOLDS = 3
BATCH = 400
_STEPS = 50
_FIELDS = ("image_atoms", "hog_atoms", "photos")
_NOT_CONVERGED = "Objective did not converge"


@dataclass(frozen=True, slots=True, eq=False)
class PairedDictionaries:
    """Pairs of dictionaries; pair k was learned without the photos k, k + K, k + 2 K and so on.

    Attributes:
        image_atoms: U of each of the K pairs, (K, A, PATCH, PATCH), float16.
        hog_atoms: V of each pair, (K, A, 27, CELLS, CELLS), float16.
        photos: SHA-256 of the photos.
    """

    image_atoms: np.ndarray
    hog_atoms: np.ndarray
    photos: tuple[str, ...]

    def pair_without(self, photo: str) -> int:
        """Return the index of a pair that was learned without the photo of this SHA-256."""
        known = photo in self.photos
        return self.photos.index(photo) % len(self.image_atoms) if known else 0


def learn(
    photos: Sequence[Path],
    *,
    atoms: int = 1024,
    patches: int = 20_000,
    progress: Callable[[int, int], None] | None = None,
    kept: Path | None = None,
) -> PairedDictionaries:
    """Learn pairs of dictionaries from photos, so that each photo has a pair that never saw it.

    One thread learns, so that dictionaries do not depend on the number of processors.

    Args:
        photos: image files; copies of one photo count once.
        atoms: number of atoms of a dictionary.
        patches: number of patches that a pair is learned from, each seen once.
        progress: called with the number of batches done and the number of all batches.
        kept: a file for the pairs that are finished, from which another call with the same photos,
            atoms and patches goes on. If None, nothing is kept.

    Raises:
        ImageError: if a photo cannot be used, or there are fewer than two.
        ModelError: if scikit-learn is not installed.
        OSError: if `kept` cannot be written.
    """
    import_optional("sklearn.decomposition", "hoggle")
    distinct = {sha256(_read(photo)): photo for photo in photos}
    folds = min(FOLDS, len(distinct))
    if folds < 2:
        raise ImageError(
            "HOGgle needs at least two photos: each is inverted after learning from the others"
        )
    key = (*distinct, f"{atoms} atoms", f"{patches} patches")
    pairs = _read_kept(kept, key)
    for fold in range(len(pairs), folds):
        seen = [photo for i, photo in enumerate(distinct.values()) if i % folds != fold]
        report = _report_of_pair(progress, fold, folds)
        pairs.append(_learn_pair(seen, atoms, patches, fold, report))
        if kept is not None:
            with write_whole(kept) as partial, partial.open("wb") as file:
                np.savez(file, key=np.array(key), pairs=np.stack(pairs))
    both = np.stack(pairs)
    return PairedDictionaries(
        both[:, :, : PATCH**2].reshape(folds, atoms, PATCH, PATCH),
        both[:, :, PATCH**2 :].reshape(folds, atoms, -1, CELLS, CELLS),
        tuple(distinct),
    )


def invert(
    code: Tensor, dictionaries: PairedDictionaries, pair: int, size: tuple[int, int]
) -> Tensor:
    """Return an image (1, 1, H, W) that has a given HOG code (27, H', W'), as HOGgle draws it.

    HOG does not determine the contrast; the image gets the standard deviation of our inversions,
    B / sqrt(3). `pair` is the index of the pair of dictionaries to use, `size` is H and W.

    Raises:
        ValueError: if the code has too few cells.
        ModelError: if scikit-learn is not installed.
    """
    decomposition = import_optional("sklearn.decomposition", "hoggle")
    if min(code.shape[1:]) < CELLS:
        raise ValueError(
            f"HOGgle needs at least {CELLS} x {CELLS} cells, not {code.shape[1]} x {code.shape[2]}"
        )
    hog_atoms = dictionaries.hog_atoms[pair]
    windows = code.unfold(1, CELLS, 1).unfold(2, CELLS, 1).movedim(0, 2)
    rows, columns = windows.shape[:2]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", _NOT_CONVERGED)  # more steps change the picture little
        sparse = decomposition.sparse_encode(
            _normalized(windows.reshape(rows * columns, -1).numpy()),
            hog_atoms.reshape(len(hog_atoms), -1).astype(np.float32),
            algorithm="lasso_cd", alpha=SPARSITY, positive=True, max_iter=_STEPS,
        )  # fmt: skip
    codes = torch.as_tensor(sparse, dtype=torch.float32, device="cpu").T.reshape(
        1, -1, rows, columns
    )
    atoms = torch.from_numpy(dictionaries.image_atoms[pair].astype(np.float32))
    drawn = average_patches(codes, atoms, size)
    return with_deviation(drawn, NNPREIMAGE.typical_deviation)


def average_patches(codes: Tensor, image_atoms: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the mean (1, 1, H, W) of the patches that sparse codes (1, A, h, w) draw.

    The patch of window (i, j) begins a cell above and to the left of cell (i, j). At each pixel
    patches are weighted by a Gaussian around their middle. Pixels outside the image are dropped.
    """
    offset = torch.arange(PATCH, dtype=torch.float32, device="cpu") - (PATCH - 1) / 2
    bell = torch.exp(-(offset**2) / (2 * SIGMA**2))
    weight = bell[:, None] * bell
    transposed = torch.nn.functional.conv_transpose2d
    total = transposed(codes, (image_atoms * weight)[:, None], stride=CELL_SIZE)
    weights = transposed(torch.ones_like(codes[:, :1]), weight[None, None], stride=CELL_SIZE)
    height, width = size
    inside = (total / weights)[..., CELL_SIZE:, CELL_SIZE:]
    return inside[..., :height, :width].contiguous()


def save(dictionaries: PairedDictionaries, path: Path) -> None:
    """Write dictionaries as an .npz file, complete or not at all."""
    with write_whole(path) as partial, partial.open("wb") as file:
        np.savez(file, **{name: getattr(dictionaries, name) for name in _FIELDS})


def load(path: Path) -> PairedDictionaries:
    """Return the dictionaries of a file that `save` wrote.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if the file holds something else.
        ModelError: if scikit-learn is not installed, without which they cannot be used.
    """
    import_optional("sklearn.decomposition", "hoggle")
    refusal = ValueError(f"{path}: not dictionaries as `preimage reproduce hoggle` writes them")
    check_is_file(path)
    data = io.BytesIO(path.read_bytes())
    try:
        check_archive(path)
        with np.load(data, allow_pickle=False) as arrays:
            image_atoms, hog_atoms, photos = (arrays[name] for name in _FIELDS)
    except Exception:  # zipfile and NumPy raise about anything for a damaged file
        raise refusal from None
    pairs = image_atoms.shape[:2]
    components = HOG().code_shape(PATCH, PATCH)[0]
    if (
        image_atoms.shape != (*pairs, PATCH, PATCH)
        or hog_atoms.shape != (*pairs, components, CELLS, CELLS)
        or not all(a.dtype == np.float16 and np.isfinite(a).all() for a in (image_atoms, hog_atoms))
        or 0 in image_atoms.shape
    ):
        raise refusal
    return PairedDictionaries(image_atoms, hog_atoms, tuple(map(str, photos)))


def _read(photo: Path) -> bytes:
    """Return the bytes of a photo; raise ImageError if it cannot be read."""
    try:
        return photo.read_bytes()
    except OSError as error:
        raise ImageError(f"{photo}: {error.strerror}") from None


def _read_kept(path: Path | None, key: tuple[str, ...]) -> list[np.ndarray]:
    """Return the finished pairs that `learn` kept for this key; none if the file has others."""
    if path is None or not path.is_file():
        return []
    data = io.BytesIO(path.read_bytes())
    try:
        check_archive(path)
        with np.load(data, allow_pickle=False) as arrays:
            return list(arrays["pairs"]) if tuple(arrays["key"]) == key else []
    except Exception:  # zipfile and NumPy raise about anything for a damaged file
        return []


def _report_of_pair(
    progress: Callable[[int, int], None] | None, pair: int, pairs: int
) -> Callable[[int, int], None]:
    """Return a function that takes the batches of one pair, and reports those of all pairs."""

    def report(done: int, batches: int) -> None:
        if progress is not None:
            progress(pair * batches + done, pairs * batches)

    return report


def _learn_pair(
    photos: Sequence[Path],
    atoms: int,
    patches: int,
    seed: int,
    progress: Callable[[int, int], None],
) -> np.ndarray:
    """Return the atoms of a pair, those of the image before those of HOG, (A, PATCH^2 + 675)."""
    decomposition = import_optional("sklearn.decomposition", "hoggle")
    threads = import_optional("threadpoolctl", "hoggle")  # which scikit-learn needs
    data = _training_data(photos, max(patches, atoms), np.random.default_rng(seed))
    learner = decomposition.MiniBatchDictionaryLearning(
        n_components=atoms, alpha=SPARSITY, fit_algorithm="cd", positive_code=True,
        transform_max_iter=_STEPS, dict_init=data[:atoms] / np.sqrt(2), random_state=seed,
    )  # fmt: skip
    batches = max(1, patches // BATCH)
    for batch, rows in enumerate(np.array_split(data[:patches], batches)):
        with warnings.catch_warnings(), threads.threadpool_limits(1):
            warnings.filterwarnings("ignore", _NOT_CONVERGED)  # a step need not converge
            learner.partial_fit(rows)
        progress(batch + 1, batches)
    components: np.ndarray = learner.components_.astype(np.float16)
    return components


def _training_data(photos: Sequence[Path], count: int, rng: np.random.Generator) -> np.ndarray:
    """Return patches of all photos and their HOG, in random order, (count, PATCH^2 + 675)."""
    share = -(-count // len(photos))
    data = np.concatenate([_patches_of(photo, share, rng) for photo in photos])
    rng.shuffle(data)
    return data[:count]


def _patches_of(photo: Path, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return patches of a photo and their HOG: at several sizes, mirrored and shifted at random."""
    images = [GRAY.load(photo, size) for size in SIZES]
    if min(images[0].shape[1:]) < PATCH + CELL_SIZE:
        raise ImageError(
            f"{photo}: HOGgle learns from photos of at least {PATCH + CELL_SIZE} pixels"
        )
    found: list[np.ndarray] = []
    while sum(map(len, found)) < count:
        top, left = rng.integers(CELL_SIZE, size=2)
        version = images[rng.integers(len(images))][:, top:, left:]
        if rng.integers(2):
            version = version.flip(2)
        patches = version[0].unfold(0, PATCH, CELL_SIZE).unfold(1, PATCH, CELL_SIZE)
        rows, columns = patches.shape[:2]
        cells = HOG(CELL_SIZE)(version[None])[0, :, 1:, 1:]
        windows = cells.unfold(1, CELLS, 1).unfold(2, CELLS, 1)[:, :rows, :columns].movedim(0, 2)
        both = [part.reshape(rows * columns, -1).numpy() for part in (patches, windows)]
        found.append(np.hstack([_normalized(part) for part in both]))
    data = np.concatenate(found)
    rng.shuffle(data)
    return data[:count]


def _normalized(rows: np.ndarray) -> np.ndarray:
    """Return each row without its mean and of unit norm; a constant row becomes zero."""
    centered = rows - rows.mean(1, keepdims=True)
    norms = np.linalg.norm(centered, axis=1, keepdims=True)
    normalized: np.ndarray = centered / np.maximum(norms, 1e-6)
    return normalized
