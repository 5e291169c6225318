"""One pass over many images for many layers, which resumes where it was stopped."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from preimage.decoding import ImageError
from preimage.photo_files import Photos, listed_photos, photo_paths
from preimage.representations.borrowing import ordinary_torch
from preimage.representations.code_grid import CodeGrid
from preimage.representations.layer import Layer
from preimage.representations.layers import Layers
from preimage.statistics.channels import ChannelStatistics, image_statistics, join
from preimage.statistics.store import Checkpoint, Store, image_set_key, stored_name

_SECONDS_BETWEEN_CHECKPOINTS = 20.0


@ordinary_torch()
def measure(
    layers: Layers | Layer,
    images: Photos | None = None,
    *,
    top: int = 9,
    batch_size: int = 16,
    device: str = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, ChannelStatistics]:
    """Measure the statistics of every channel of some layers in one pass over images.

    The statistics are kept in the cache folder, see `preimage.statistics.store`, and read from
    there if they are known already. The state is written every 20 seconds and when the call is
    interrupted; a repeated call resumes the pass and returns the same numbers as a single call.

    Args:
        layers: the layers of a network, or one of them.
        images: a photo, a folder of photos, or a list of both; they are resized and cropped as the
            preprocessing prescribes. Files that cannot be used are skipped. If None, the shipped
            photos are measured.
        top: number of largest responses to keep, each of another image.
        batch_size: number of images in one forward pass; it changes nothing but rounding.
        device: where to compute.
        progress: called with the number of images done and the number of all images.

    Returns:
        The statistics by the dotted names of the layers.

    Raises:
        ImageError: if none of the images can be used.
        TypeError: if `layers` is something else, or one of the images is no path.
        ValueError: if the network does not take images of the prescribed size, or the codes of
            a layer are not maps, tokens or vectors, or not finite.
        OSError: if the cache folder cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> from unittest.mock import patch
    >>> from preimage.preprocessing import Preprocessing
    >>> network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3))
    >>> conv = Layer(network, "0", Preprocessing(mean=(127.5,) * 3, size=(34, 34)))
    >>> with TemporaryDirectory() as folder, patch.dict(os.environ, PREIMAGE_CACHE=folder):
    ...     found = measure(conv)["0"]
    >>> found.count == len(found.images) * 32 * 32
    True
    """
    layers = Layers([layers]) if isinstance(layers, Layer) else layers
    if not isinstance(layers, Layers):
        raise TypeError(
            "layers must be a layer, as network.layer(NAME), or several, as network.several([NAME, "
            f"...]), not a {type(layers).__name__}"
        )
    paths = _absolute(images)
    if not paths:
        raise ImageError("statistics need at least one image")
    if layers.preprocessing.size is not None:
        layers.code_shapes(*layers.preprocessing.size)
    by_name = {layer.layer: layer for layer in layers.layers.values()}
    store = Store(next(iter(by_name.values())))
    key = store.register(paths)
    reached = {}
    for name, layer in by_name.items():
        known = store.read(key, stored_name(layer))
        reached[name] = known if known and known.top >= top else Checkpoint(0, top, {}, None)
    unfinished = [by_name[name] for name in reached if reached[name].done < len(paths)]
    if unfinished:
        run = _Pass(Layers(unfinished), paths, reached, store, key)
        run.finish(batch_size, torch.device(device), progress or (lambda done, total: None))
    return {name: _finished(by_name[name], paths, reached[name]) for name in reached}


def load_known(
    layer: Layer, images: Photos | None = None, least: int = 1, *, to_show: bool = False
) -> ChannelStatistics | None:
    """Return the known statistics of a layer with its present weights, or None if unknown.

    `images` are the photos that were measured, as for `measure`. If None, the largest known set is
    taken, if at least `least` of its images could be used. If images are `to_show`, sets whose
    first file is gone do not count, as those of a folder that was moved.
    """
    store = Store(layer)
    known = dict(store.finished(stored_name(layer)))
    if to_show:
        known = {key: found for key, found in known.items() if os.path.exists(store.images(key)[0])}
    if images is not None:
        key = image_set_key(_absolute(images))
        known = {key: known[key]} if key in known else {}
    if not known:
        return None
    used = {key: found.done - len(found.skipped) for key, found in known.items()}
    key = max(used, key=lambda key: used[key])
    if images is None and used[key] < least:
        return None
    return _finished(layer, store.images(key), known[key])


def _absolute(images: Photos | None) -> list[str]:
    """Return the absolute paths of photos; if None, of the shipped photos."""
    photos = photo_paths() if images is None else listed_photos("images", images)
    return [os.path.abspath(path) for path in photos]


@dataclasses.dataclass(frozen=True, slots=True)
class _Pass:
    """A pass over images, which keeps `reached` up to date and writes it to the store."""

    layers: Layers
    paths: list[str]
    reached: dict[str, Checkpoint]
    store: Store
    key: str

    def finish(
        self, batch_size: int, device: torch.device, progress: Callable[[int, int], None]
    ) -> None:
        """Measure the images that some layer lacks, in the same batches as a pass over all."""
        if self.layers.preprocessing.size is None:
            batch_size = 1
        seen = min(self.reached[layer.layer].done for layer in self.layers.layers.values())
        written = time.monotonic()
        try:
            with self.layers.session(device), torch.no_grad():
                for first in range(seen // batch_size * batch_size, len(self.paths), batch_size):
                    progress(first, len(self.paths))
                    self._look_at(range(first, min(first + batch_size, len(self.paths))), device)
                    if time.monotonic() - written >= _SECONDS_BETWEEN_CHECKPOINTS:
                        self._write()
                        written = time.monotonic()
                progress(len(self.paths), len(self.paths))
        finally:
            self._write()

    def _write(self) -> None:
        for layer in self.layers.layers.values():
            self.store.write(self.key, layer, self.reached[layer.layer])

    def _look_at(self, indices: range, device: torch.device) -> None:
        """Add the images with these indices to the statistics of all layers."""
        loaded: dict[int, Tensor] = {}
        skipped: dict[int, str] = {}
        for index in indices:
            try:
                loaded[index] = self._load(self.paths[index])
            except ImageError as error:
                skipped[index] = str(error)
        outputs: Mapping[str | None, Tensor] = {}
        if loaded:
            outputs = self.layers.outputs(torch.stack(list(loaded.values())).to(device))
        grids = {index: self.layers.code_grids(*x.shape[-2:]) for index, x in loaded.items()}
        for layer in self.layers.layers.values():
            name = layer.layer
            codes = zip(loaded, outputs.get(name, ()), strict=True)
            responses = {index: (code, grids[index][name]) for index, code in codes}
            self.reached[name] = self._add(layer, responses, skipped, indices.stop)

    def _load(self, path: str) -> Tensor:
        image = self.layers.preprocessing.load(path)
        try:
            self.layers.code_shapes(*image.shape[-2:])
        except ValueError as error:
            raise ImageError(f"{path}: {error}") from None
        return image

    def _add(
        self,
        layer: Layer,
        responses: dict[int, tuple[Tensor, CodeGrid]],
        skipped: dict[int, str],
        done: int,
    ) -> Checkpoint:
        """Return a new state of a layer, with the responses to images that are new to it."""
        present = self.reached[layer.layer]
        known = present.statistics
        for index, (response, grid) in responses.items():
            if index >= present.done:
                try:
                    found = image_statistics(response, index, grid)
                except ValueError as error:
                    raise ValueError(f"{layer.name}: {error} ({self.paths[index]})") from None
                known = found if known is None else join(known, found, present.top)
        return Checkpoint(max(done, present.done), present.top, present.skipped | skipped, known)


def _finished(layer: Layer, paths: Sequence[str], reached: Checkpoint) -> ChannelStatistics:
    """Return statistics with name and files, and with `top_images` as indices of the files."""
    skipped = tuple(reached.skipped[index] for index in sorted(reached.skipped))
    if reached.statistics is None:
        raise ImageError(f"none of {len(paths)} images can be used; the first: {skipped[0]}")
    used = [index for index in range(len(paths)) if index not in reached.skipped]
    return dataclasses.replace(
        reached.statistics,
        top_images=np.searchsorted(used, reached.statistics.top_images),
        name=layer.layer_name,
        images=tuple(paths[index] for index in used),
        skipped=skipped,
    )
