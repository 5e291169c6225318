"""The records of a store become the data of an atlas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from preimage.atlas.addresses import CLASSICAL, safe_name
from preimage.atlas.data import Atlas, Channel, Image, Layer, Model, Names, PhotoRow, Picture
from preimage.atlas.media import Media
from preimage.atlas.naming import name_pictures
from preimage.atlas.network_facts import add_facts
from preimage.atlas.options import Options
from preimage.decoding import ImageError
from preimage.names import LayerName
from preimage.paper.table4 import REPRESENTATIONS
from preimage.studies.loader import Loader
from preimage.studies.outcome import Record
from preimage.studies.trial import Trial


def gather(records: Iterable[Record], loader: Loader, media: Media, options: Options) -> Atlas:
    """Return the data of an atlas of these records; write its pictures.

    A network that cannot be used leaves out what only it can tell; a warning says why.

    Raises:
        ValueError: if the judge cannot be used.
        OSError: if files cannot be read or written.
    """
    known = {record.trial.key: record for record in records}
    pictures = {key: r.picture for key, r in known.items() if r.picture is not None}
    to_name = {k: p for k, p in pictures.items() if known[k].trial.channel is not None}
    names = name_pictures(to_name, options.judge, loader, options.kept, options.report("names"))
    gatherer = _Gatherer(loader, media, names)
    grouped: dict[tuple[str, str, str], list[Record]] = {}
    for record in known.values():
        grouped.setdefault(_network_of(record.trial), []).append(record)
    models, classical = [], None
    for (network, weights, checksum), several in grouped.items():
        name = f"{network} ({Path(weights).name})" if weights else network or CLASSICAL
        full = f"{network} {checksum or weights}" if weights else network
        address = safe_name(full) if network else CLASSICAL
        model = gatherer.model(name, address, several, options)
        if network:
            add_facts(model, several[0].trial, loader, media, options)
            models.append(model)
        else:
            order = {title: n for n, title in enumerate(REPRESENTATIONS)}
            model.layers.sort(key=lambda layer: order.get(layer.title, len(order)))
            classical = model
    return Atlas(models, classical)


def _network_of(trial: Trial) -> tuple[str, str, str]:
    """Return the network of a trial, its own weights, and their checksum; all empty without one."""
    network = LayerName.parse(trial.representation).network
    return (network, trial.weights or "", trial.weights_sha256 or "") if network else ("", "", "")


class _Gatherer:
    """The making of models, layers and channels from records."""

    def __init__(self, loader: Loader, media: Media, names: Mapping[str, Names]) -> None:
        self._loader, self._media, self._names = loader, media, names

    def model(self, name: str, address: str, records: Sequence[Record], options: Options) -> Model:
        """Return a network with the layers that the records are of."""
        by_layer: dict[str, list[Record]] = {}
        for record in records:
            by_layer.setdefault(record.trial.representation, []).append(record)
        report = options.report(f"pictures of {name}")
        layers = []
        for done, (full_name, several) in enumerate(by_layer.items()):
            report(done, len(by_layer))
            layers.append(self._layer(full_name, address, several))
        return Model(name=name, address=address, layers=layers, judge=options.judge)

    def _layer(self, name: str, model: str, records: Sequence[Record]) -> Layer:
        """Return a layer with its channels, inversions and caricatures."""
        title = LayerName.parse(name).layer
        address = f"{model}/{safe_name(title)}"
        groups: dict[str, list[Record]] = {}
        for record in records:
            groups.setdefault(record.trial.visualization, []).append(record)
        channels = self._channels(groups.get("maximize", []), address)
        tiled = [c for c in channels if c.pictures]
        files = {r.trial.key: r.picture for r in records if r.picture is not None}
        keys = [c.pictures[0].trial.key for c in tiled]
        tiles = self._media.add_sheets([(key, files[key]) for key in keys])
        for channel, tile in zip(tiled, tiles, strict=True):
            channel.tile = tile
        return Layer(
            name=name, title=title, address=address, channels=channels,
            inversions=self._rows(groups.get("invert", [])),
            caricatures=self._rows(groups.get("caricature", [])),
            unavailable=[
                f"{r.trial.visualization} {r.trial.description}: {r.reason or 'not yet computed'}"
                for r in records
                if r.picture is None
            ],
        )  # fmt: skip

    def _channels(self, records: Sequence[Record], layer: str) -> list[Channel]:
        """Return the channels of a layer in the order of their numbers."""
        by_channel: dict[tuple[int, str, str], list[Record]] = {}
        for record in records:
            trial = record.trial
            place = str(trial.target.terms[0]).partition(":")[2] if trial.position else ""
            key = (trial.channel or 0, place, trial.class_name or "")
            by_channel.setdefault(key, []).append(record)
        channels = []
        for (index, place, class_name), several in sorted(by_channel.items()):
            trial = several[0].trial
            file = "-".join(filter(None, [str(index), place, "class" if class_name else ""]))
            several.sort(key=lambda record: (record.trial.diversity, record.trial.seed))
            pictures = [self._picture(r) for r in several if r.picture is not None]
            plain = [picture for picture in pictures if not picture.trial.diversity]
            reasons = [record.reason or "not yet computed" for record in several]
            channels.append(Channel(
                address=f"{layer}/{safe_name(file.replace(',', '-'))}.html",
                label=trial.component or str(index), index=index, is_class=bool(class_name),
                maximum=trial.maximum, pictures=plain or pictures,
                reason="" if pictures else reasons[0],
                diverse=[picture for picture in pictures if plain and picture.trial.diversity],
            ))  # fmt: skip
        return channels

    def _rows(self, records: Sequence[Record]) -> list[PhotoRow]:
        """Return a row for each photo, its pictures in the order of C or strength."""
        by_photo: dict[str, list[Record]] = {}
        for record in records:
            if record.picture is not None:
                by_photo.setdefault(record.trial.photo_sha256 or "", []).append(record)
        rows = []
        for several in by_photo.values():
            trial = several[0].trial
            several.sort(key=lambda r: (_weight(r), r.trial.seed))
            pictures = [self._picture(record) for record in several]
            rows.append(PhotoRow(Path(trial.photo or "").stem, self._photo(trial), pictures))
        return rows

    def _picture(self, record: Record) -> Picture:
        """Return the picture of a record that is done."""
        trial = record.trial
        if record.picture is None or record.measures is None:
            raise ValueError(f"{trial.description}: not done")
        title = f"{trial.visualization} {trial.description}"
        image = self._media.add_picture(trial.key, record.picture, title)
        return Picture(image, trial, record.measures, self._names.get(trial.key, ()))

    def _photo(self, trial: Trial) -> Image | None:
        """Return the photo of a trial as its representation gets it; None if it is gone."""
        if trial.photo is None:
            return None
        title = f"the photo {Path(trial.photo).stem}"
        try:
            phi = self._loader.representation(trial.representation, trial.weights)
            prepare = phi.preprocessing
            return self._media.add_photo(
                f"{trial.photo_sha256} {trial.size} {prepare!r}", title,
                lambda: prepare.to_pil(prepare.load(trial.photo or "", trial.size)),
            )  # fmt: skip
        except (ImageError, ValueError):
            return None


def _weight(record: Record) -> float:
    """Return C or the strength of a trial, for sorting."""
    weight = record.trial.weight
    return weight if isinstance(weight, float | int) else -1.0
