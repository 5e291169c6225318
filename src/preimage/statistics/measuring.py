"""One pass over many images for many layers, which goes on where it was stopped."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from preimage.images import ImageError
from preimage.representations.layer import Layer
from preimage.representations.layers import Layers
from preimage.statistics.channels import ChannelStatistics
from preimage.statistics.store import Reached, Store, network_name
from preimage.statistics.tally import join, tally

PathLike: TypeAlias = str | os.PathLike[str]

_SECONDS_BETWEEN_CHECKPOINTS = 20.0


def measure(
    layers: Layers,
    images: Sequence[PathLike],
    *,
    top: int = 9,
    batch_size: int = 16,
    device: str = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, ChannelStatistics]:
    """Statistics of every channel of some layers over images, from one pass over them.

    They are kept in the cache folder of the weights, as is what was reached every 20 seconds
    and when the call is interrupted: repeated, it goes on from there, to the numbers of an
    uninterrupted one. What is known is not computed again; see `statistics.store`.

    Args:
        layers: the layers.
        images: image files, brought to what the network takes as its preprocessing says.
            Those that cannot be used are skipped.
        top: how many of the largest responses to keep, each of another image.
        batch_size: images of one forward pass; it changes nothing but rounding.
        device: where to compute.
        progress: called with the number of images that are done and of all.

    Returns:
        The statistics by the layers' dotted names.

    Raises:
        ImageError: if none of the images can be used.
        ValueError: if the network does not take images of the size that is prescribed, or a
            layer's codes are no maps, tokens or vectors, or are not finite.
        OSError: if the cache folder cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> from unittest.mock import patch
    >>> from preimage.photo_files import shipped_photos
    >>> from preimage.preprocessing import Preprocessing
    >>> network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3))
    >>> conv = Layer(network, "0", Preprocessing(mean=(127.5,) * 3, size=(34, 34)))
    >>> with TemporaryDirectory() as folder, patch.dict(os.environ, PREIMAGE_CACHE=folder):
    ...     found = measure(Layers([conv]), list(shipped_photos().values()))["0"]
    >>> found.count == len(found.images) * 32 * 32
    True
    """
    paths = [os.path.abspath(path) for path in images]
    if not paths:
        raise ImageError("statistics need at least one image")
    if layers.preprocessing.size is not None:
        layers.code_shapes(*layers.preprocessing.size)
    store = Store.of(next(iter(layers.layers.values())))
    key = store.begin(paths)
    by_name = {layer.layer: layer for layer in layers.layers.values()}
    reached = {}
    for name in by_name:
        known = store.read(key, name)
        reached[name] = known if known and known.most >= top else Reached(0, top, {}, None)
    unfinished = [by_name[name] for name in reached if reached[name].done < len(paths)]
    if unfinished:
        run = _Run(Layers(unfinished), paths, reached, store, key)
        run.finish(batch_size, torch.device(device), progress or (lambda done, total: None))
    return {name: _statistics(by_name[name], paths, reached[name]) for name in reached}


def load_known(layer: Layer, images: Sequence[PathLike] | None = None) -> ChannelStatistics | None:
    """The statistics of a layer, with the weights it has now, that were measured before.

    Args:
        layer: the layer.
        images: the files that they must be over; None for the largest set that is known.

    Returns:
        None where nothing is known.
    """
    store = Store.of(layer)
    known = list(store.finished(layer.layer))
    if images is not None:
        key = store.key_of([os.path.abspath(path) for path in images])
        known = [found for found in known if found[0] == key]
    if not known:
        return None
    key, reached = max(known, key=lambda found: found[1].done - len(found[1].skipped))
    return _statistics(layer, store.images(key), reached)


@dataclasses.dataclass(frozen=True, slots=True)
class _Run:
    """A pass over images; `reached` is brought up to date, and kept, as it goes on."""

    layers: Layers
    paths: list[str]
    reached: dict[str, Reached]
    store: Store
    key: str

    def finish(
        self, batch_size: int, device: torch.device, progress: Callable[[int, int], None]
    ) -> None:
        """Looks at all images that some layer has not seen, in batches that never change."""
        if self.layers.preprocessing.size is None:
            batch_size = 1
        seen = min(self.reached[layer.layer].done for layer in self.layers.layers.values())
        kept = time.monotonic()
        try:
            for first in range(seen // batch_size * batch_size, len(self.paths), batch_size):
                progress(first, len(self.paths))
                self._look_at(range(first, min(first + batch_size, len(self.paths))), device)
                if time.monotonic() - kept >= _SECONDS_BETWEEN_CHECKPOINTS:
                    self._keep()
                    kept = time.monotonic()
            progress(len(self.paths), len(self.paths))
        finally:
            self._keep()

    def _keep(self) -> None:
        for layer in self.layers.layers.values():
            self.store.write(self.key, layer, self.reached[layer.layer])

    def _look_at(self, indices: range, device: torch.device) -> None:
        loaded: dict[int, Tensor] = {}
        skipped: dict[int, str] = {}
        for index in indices:
            try:
                loaded[index] = self._load(index)
            except ImageError as error:
                skipped[index] = str(error)
        outputs: Mapping[str | None, Tensor] = {}
        if loaded:
            with torch.no_grad(), self.layers.session(device):
                outputs = self.layers.outputs(torch.stack(list(loaded.values())).to(device))
        for layer in self.layers.layers.values():
            responses = dict(zip(loaded, outputs.get(layer.layer, ()), strict=True))
            self.reached[layer.layer] = self._further(layer, responses, skipped, indices.stop)

    def _load(self, index: int) -> Tensor:
        path = self.paths[index]
        image = self.layers.preprocessing.load(path)
        try:
            self.layers.code_shapes(*image.shape[-2:])
        except ValueError as error:
            raise ImageError(f"{path}: {error}") from None
        return image

    def _further(
        self, layer: Layer, responses: dict[int, Tensor], skipped: dict[int, str], done: int
    ) -> Reached:
        """What is reached with the responses of the images that were not seen before.

        It is another object, so that an interruption at any time leaves a valid one.
        """
        so_far = self.reached[layer.layer]
        known = so_far.tally
        for index, response in responses.items():
            if index >= so_far.done:
                try:
                    found = tally(response, index)
                except ValueError as error:
                    raise ValueError(f"{layer.name}: {error} ({self.paths[index]})") from None
                known = found if known is None else join(known, found, so_far.most)
        return Reached(max(done, so_far.done), so_far.most, so_far.skipped | skipped, known)


def _statistics(layer: Layer, paths: Sequence[str], reached: Reached) -> ChannelStatistics:
    skipped = tuple(reached.skipped[index] for index in sorted(reached.skipped))
    known = reached.tally
    if known is None:
        raise ImageError(f"none of {len(paths)} images can be used; the first: {skipped[0]}")
    counted = [index for index in range(len(paths)) if index not in reached.skipped]
    return ChannelStatistics(
        network=network_name(layer),
        layer=layer.layer,
        images=tuple(paths[index] for index in counted),
        skipped=skipped,
        count=known.count,
        maximum=known.maximum,
        minimum=known.minimum,
        mean=known.mean,
        std=np.sqrt(known.squares / known.count),
        zeros=known.zeros / known.count,
        top_values=known.top_values,
        top_images=np.searchsorted(counted, known.top_images),
        top_positions=known.top_positions,
    )
