"""Facts that need the network itself: its layers, receptive fields, and responses to photos."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from preimage.atlas.data import Channel, Histogram, Image, Layer, LayerRow, Model, TopPhoto
from preimage.atlas.media import Media
from preimage.atlas.options import Options
from preimage.atlas.responses import Responses, measure_responses
from preimage.names import STEP, LayerName, one_line
from preimage.networks import Network
from preimage.reporting.top_responses import response_box
from preimage.representations.receptive_field import Box, ReceptiveField
from preimage.studies.loader import Loader
from preimage.studies.trial import Trial, checksum, checksum_of_all

_TOP_PHOTOS = 6
_SIMILAR = 8


def add_facts(
    model: Model,
    trial: Trial,
    loader: Loader,
    media: Media,
    options: Options,
) -> None:
    """Add to a model what its network tells, which one of its trials names.

    If the network cannot be used, warn and add nothing.

    Raises:
        OSError: if files cannot be written.
    """
    try:
        network = loader.network(LayerName.parse(trial.representation).network, trial.weights)
        plain = [layer for layer in model.layers if STEP not in layer.title]
        fields = _add_fields(model, network, plain)
    except ValueError as error:
        model.problem = one_line(str(error))
        warnings.warn(f"{model.name}: {model.problem}: its pages lack what needs it", stacklevel=2)
        return
    with_channels = [layer for layer in plain if layer.channels]
    if not with_channels or not options.reference:
        return
    try:
        found = measure_responses(
            [network.layer(layer.title) for layer in with_channels],
            {layer.title: [c.index for c in layer.channels] for layer in with_channels},
            options.reference, options.kept, options.report(f"responses of {model.name}"),
            options.device,
        )  # fmt: skip
    except ValueError as error:
        model.problem = one_line(str(error))
        warnings.warn(f"{model.name}: no responses to photos: {model.problem}", stacklevel=2)
        return
    _check_reference(model.name, with_channels, options.reference)
    model.reference = max(len(r.statistics.images) for r in found.values())
    photos = _Photos(media, network)
    for layer in with_channels:
        _add_responses(layer, found[layer.title], fields.get(layer.title), photos)


def _check_reference(name: str, layers: Sequence[Layer], reference: Sequence[Path]) -> None:
    """Warn if M was taken from other photos than those that the pages are to show."""
    pictures = [p for layer in layers for channel in layer.channels for p in channel.pictures]
    content = checksum_of_all(reference)
    if any(picture.trial.reference_sha256 != content for picture in pictures):
        warnings.warn(
            f"{name}: M of some channels comes from other photos than those that its pages show: "
            "give the photos of the study by --reference",
            stacklevel=2,
        )


def _add_fields(
    model: Model, network: Network, layers: Sequence[Layer]
) -> dict[str, ReceptiveField | None]:
    """Put the layers into the order of depth, and add shapes, receptive fields and the table."""
    main, every = list(network.usable_layers), list(network.layers)
    titles = {layer.title: layer for layer in layers}
    listed = [*main, *(title for title in titles if title not in main)]
    place = {title: n for n, title in enumerate(every)}
    listed.sort(key=lambda title: place.get(title, len(place)))
    several = network.several(listed)
    fields = several.receptive_fields
    shapes = several.code_shapes(*several.default_size)
    for title, layer in titles.items():
        field = fields[title]
        layer.shape = tuple(shapes[title])
        layer.field = None if field is None else field.size
        layer.field_box = _middle_box(field, several.default_size)
    depth = {title: n for n, title in enumerate(listed)}
    model.layers.sort(key=lambda layer: depth.get(layer.title, len(depth)))
    for title in listed:
        field = fields[title]
        size = None if field is None else field.size
        model.table.append(LayerRow(title, tuple(shapes[title]), size, titles.get(title)))
    return dict(fields)


def _middle_box(field: ReceptiveField | None, size: tuple[int, int]) -> Box | None:
    """Return a receptive field in the middle of an image; None if it is not smaller."""
    if field is None or field.size >= max(size):
        return None
    top, left = ((side - field.size) // 2 for side in size)
    return Box(top, left, top + field.size, left + field.size)


class _Photos:
    """The photos that excite channels, as the network sees them."""

    def __init__(self, media: Media, network: Network) -> None:
        self._media, self._prepare = media, network.preprocessing
        self._known: dict[str, Image] = {}

    def image(self, path: str) -> Image:
        """Return a photo as the pages show it."""
        if path not in self._known:
            self._known[path] = self._media.add_photo(
                f"{checksum(Path(path))} None {self._prepare!r}", f"the photo {Path(path).stem}",
                lambda: self._prepare.to_pil(self._prepare.load(path)),
            )  # fmt: skip
        return self._known[path]


def _add_responses(
    layer: Layer, found: Responses, field: ReceptiveField | None, photos: _Photos
) -> None:
    """Add what photos tell of a layer's channels."""
    statistics, order = found.statistics, found.order()
    for n, channel in enumerate(layer.channels):
        channel.rank = int(order[n])
        low, high = statistics.minimum[channel.index], statistics.maximum[channel.index]
        if high > low:
            channel.histogram = Histogram(tuple(found.counts[n].tolist()), float(low), float(high))
            channel.top = _top_photos(channel, found, field, photos)
            channel.similar = _similar(layer.channels, n, found)
    shown = [top.image for channel in layer.channels for top in channel.top[:1]]
    layer.sample = shown[0] if shown else None


def _top_photos(
    channel: Channel, found: Responses, field: ReceptiveField | None, photos: _Photos
) -> list[TopPhoto]:
    """Return the photos that excite a channel most, each with the responsible part."""
    statistics, top = found.statistics, []
    for rank in range(min(_TOP_PHOTOS, statistics.top_values.shape[1])):
        path = statistics.images[statistics.top_images[channel.index, rank]]
        image = photos.image(path)
        size = (image.height, image.width)
        position = statistics.top_positions[channel.index, rank].tolist()
        box = response_box(field if position else None, position, size).clipped(size)
        is_whole = (box.top, box.left, box.bottom, box.right) == (0, 0, *size)
        value = float(statistics.top_values[channel.index, rank])
        top.append(TopPhoto(image, value, None if is_whole else box))
    return top


def _similar(channels: Sequence[Channel], n: int, found: Responses) -> list[tuple[Channel, float]]:
    """Return the channels that are most like channel n."""
    row = found.correlation[n]
    nearest = sorted((m for m in range(len(channels)) if m != n), key=lambda m: -row[m])
    return [(channels[m], float(row[m])) for m in nearest[:_SIMILAR] if row[m] > 0]
