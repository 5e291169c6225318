"""Loaded networks: their layers, their classes, and C of each layer."""

from __future__ import annotations

import html
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from preimage.main_modules import main_modules
from preimage.names import LayerName, unknown
from preimage.preprocessing import DEFAULT_SIZE, Preprocessing
from preimage.representations.borrowing import RUNNING, device_of, evaluation_mode
from preimage.representations.forward_until import is_chain
from preimage.representations.kept_state import kept_weights
from preimage.representations.layer import LAST_LOSS_WEIGHT, Layer
from preimage.representations.layer_path import OUTPUT, LayerPath, tensors_inside
from preimage.representations.layers import Layers
from preimage.representations.network_error import Part, guarded
from preimage.representations.reached import called
from preimage.representations.scores import find_scores, probabilities
from preimage.tables import Table

if TYPE_CHECKING:
    from PIL import Image

T = TypeVar("T")

LAYERS_HEADER = ("layer", "kind", "kernel", "r.f. size", "r.f. stride", "offset", "channels")
"""The columns of a table of layers; "r.f." is the receptive field."""

_LISTED = 40
"""The most layers that a network shows of itself."""


@dataclass(frozen=True, slots=True, repr=False)
class Network:
    """A loaded network: its layers as representations, and its classes.

    `preimage.network` returns networks by name, and makes one of any `nn.Module`.

    Attributes:
        module: the network itself.
        preprocessing: how photos become images of the core.
        name: the name that users know, without a layer; by default that of the module's class.
        classes: the name of each class score, synonyms separated by ", "; empty if unknown.
        loss_weights: C by layer: each value applies up to and including the named layer. If
            empty, a fast solver chooses C (docs/networks.md); it begins at C by the stride, which
            Algorithm 1 keeps.
        inputs: further inputs that the network requires beside the image; see `Layer`.
        scores: the layer of the class scores. If None, it is found by running the network once.
        channel_axis: the axis of channels in the own output of every layer, or a dict with that of
            some layers by name; see `Layer`. Those of all other layers are found.
        weights: which weights were given in place of the network's own, as a sidecar tells it:
            `weights`, a file or "random", and of a file `weights_sha256`.

    Raises:
        TypeError: if it is no module with its preprocessing.
        ValueError: if there is no layer of a name in `scores` or `channel_axis`.

    >>> module = nn.Sequential(nn.Conv2d(1, 8, 5, stride=2), nn.ReLU())
    >>> network = Network(module, Preprocessing(mean=(127.5,)), "mine")
    >>> layer = network.layer("1")
    >>> layer.name, layer.loss_weight
    ('mine/1', 300.0)
    """

    module: nn.Module
    preprocessing: Preprocessing
    name: str = ""
    classes: tuple[str, ...] = ()
    loss_weights: tuple[tuple[str, float], ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict, hash=False)
    scores: str | None = None
    channel_axis: int | Mapping[str, int] | None = field(default=None, hash=False)
    weights: Mapping[str, str] = field(default_factory=dict, hash=False)
    _known: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        given = (self.module, self.preprocessing)
        if not all(map(isinstance, given, (nn.Module, Preprocessing))):
            raise TypeError(
                "a network is a module with its preprocessing: "
                "Network(module, preimage.Preprocessing(mean, std, size), name)"
            )
        object.__setattr__(self, "name", self.name or type(self.module).__name__)
        object.__setattr__(self, "classes", tuple(self.classes))
        axes = self.channel_axis if isinstance(self.channel_axis, Mapping) else {}
        for layer in (*axes, *([] if self.scores is None else [self.scores])):
            LayerPath.parse(self.module, layer)  # raises if there is no such layer

    def __repr__(self) -> str:
        size = self.preprocessing.size
        words = [repr(self.name), type(self.module).__name__]
        words += [f"{size[0]} x {size[1]} pixels"] if size else []
        words += [f"{len(self.classes)} classes"] if self.classes else []
        return f"Network({', '.join(words)})"

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of all layers that a forward pass reaches, found by running the network once.

        If a submodule returns a tuple or an object, the tensors inside are listed, and likewise
        those of the whole network, such as "output.logits". Further layers can be named: see
        `preimage.representations.layer_path`.
        """
        known, modules = self._reached(), self.module.named_modules()
        inside = [name for module, _ in modules for name in known.get(module, ())]
        return (*inside, *self._returned())

    @property
    def main_layers(self) -> tuple[str, ...]:
        """The layers that are its children, each chain of blocks replaced by its blocks.

        They stand in the order of the computation. Children that a forward pass does not reach,
        such as auxiliary heads, are left out.
        """
        known = self._reached()
        if not known:  # Python does not see the calls of TorchScript and exported programs
            children = [name for name, _ in self.module.named_children()]
            return tuple(children) if is_chain(self.module) else (OUTPUT,)
        main = set(main_modules(self.module, known))
        return tuple(name for child in known if child in main for name in known[child])

    @property
    def score_layer(self) -> str:
        """The layer of the class scores: `scores`, or else the one that the network returns.

        It is "output" if no submodule returns what the network returns.

        Raises:
            ValueError: if the layer cannot be found, or has another number of scores than classes.
        """
        if self.scores is not None:
            return self.scores
        if "scores" not in self._known:
            found = self._run_once(find_scores)
            if self.classes and len(self.classes) not in found.shape[1:]:
                raise ValueError(
                    f"{self.name} has {len(self.classes)} classes, but its scores, the layer "
                    f"{found.layer}, have the shape {found.shape[1:]}: name the layer of the "
                    "scores, as in Network(..., scores='fc')"
                )
            self._known["scores"] = found.layer
        return str(self._known["scores"])

    def _reached(self) -> Mapping[str, list[str]]:
        """Return the names of the tensors that each submodule returns, in order of their ends."""
        if "reached" not in self._known:
            outputs, returned = self._run_once(_outputs)
            self._known["reached"] = {name: _inside(name, y) for name, y in outputs.items()}
            is_plain = isinstance(returned, Tensor) or OUTPUT in outputs
            self._known["returned"] = [] if is_plain else _inside(OUTPUT, returned)
        found: Mapping[str, list[str]] = self._known["reached"]
        return found

    def _returned(self) -> list[str]:
        """Return the names of the tensors that the network returns; none if it is a tensor."""
        self._reached()
        names: list[str] = self._known["returned"]
        return names

    def _run_once(self, use: Callable[[Part, Tensor], T]) -> T:
        """Return the result of `use` for the network, set up for a call, and a noise input."""
        size = self.preprocessing.size or DEFAULT_SIZE
        shape = (1, self.preprocessing.channels, *size)
        device = device_of(self.module) or torch.device("cpu")
        part = Part(self.module, (OUTPUT,), self.inputs, self.name)
        with (
            evaluation_mode(self.module, device),
            RUNNING,
            kept_weights(self.module),
            torch.no_grad(),
        ):
            generator = torch.Generator().manual_seed(0)
            noise = torch.rand(shape, generator=generator, dtype=torch.float32, device="cpu")
            mean = self.preprocessing.to_255(torch.zeros_like(noise))
            weights = (p.dtype for p in self.module.parameters() if p.is_floating_point())
            x = self.preprocessing.to_network(255 * noise - mean)
            return use(part, x.to(device, next(weights, x.dtype)))

    def layer(self, name: str) -> Layer:
        """Return one of the layers as a representation, with C as in section 5.2.1.

        Raises:
            ValueError: if there is no layer of that name; the nearest name is offered.
        """
        try:
            LayerPath.parse(self.module, str(name))
        except ValueError as error:
            raise ValueError(self._unknown_layer(name, str(error))) from None
        axis = self.channel_axis
        found = Layer(
            self.module,
            name,
            self.preprocessing,
            name=str(LayerName(self.name, name)),
            loss_weight=self._loss_weight(name),
            channel_axis=axis.get(name) if isinstance(axis, Mapping) else axis,
            inputs=self.inputs,
        )
        found.weights = dict(self.weights)
        return found

    def _unknown_layer(self, name: str, words: str) -> str:
        """Return the message for an unknown layer; `words` is that which all modules give.

        If no name is near, the main layers are listed instead of modules inside of them.
        """
        try:
            main = self.main_layers
        except ValueError:  # the network does not run
            return words
        if "did you mean" not in words and main != (OUTPUT,):
            known = [*main, *self._returned()]
            words = unknown(f"layer of {type(self.module).__name__}", name, known)
        return f"{words}; `preimage layers NETWORK`, in Python print(network), lists the layers"

    @property
    def usable_layers(self) -> tuple[str, ...]:
        """The main layers that can be visualized.

        The others, such as a branch beside the image, have a dash and a reason in `layers_table`.
        """
        problems = self._problems()
        return tuple(name for name in self.main_layers if name not in problems)

    def _problems(self) -> Mapping[str, str]:
        """Return why some of the main layers cannot be visualized, by name.

        Raises:
            ValueError: if none of them can.
        """
        if "problems" not in self._known:
            names, size = self.main_layers, self.preprocessing.size or DEFAULT_SIZE
            found: dict[str, str] = {}
            try:
                self.several(names).code_grids(*size)
            except ValueError:
                for name in names:
                    try:
                        self.layer(name).code_grid(*size)
                    except ValueError as error:
                        found[name] = str(error)
                if len(found) == len(names):
                    raise
            self._known["problems"] = found
        problems: Mapping[str, str] = self._known["problems"]
        return problems

    def layers_table(self) -> Table:
        """Return the table of `main_layers`, as Tables 1-3: kind, receptive field and channels.

        It takes a few passes through the network, once. Layers that cannot be visualized have
        dashes, and the note below the table says why.

        >>> module = nn.Sequential(nn.Conv2d(1, 8, 5, stride=2), nn.ReLU())
        >>> Network(module, Preprocessing(mean=(127.5,)), "mine").layers_table().rows[0]
        ('0', 'Conv2d', 5, '5', '2', '2', 8)
        """
        if "table" not in self._known:
            rows, note = tuple(self._layer_rows()), "; ".join(self._problems().values())
            self._known["table"] = Table(LAYERS_HEADER, rows, note)
        table: Table = self._known["table"]
        return table

    def _layer_rows(self) -> Iterator[tuple[object, ...]]:
        several = self.several(self.usable_layers)
        grids, fields = several.code_grids(*several.default_size), several.receptive_fields
        for name in self.main_layers:
            module = self.module.get_submodule(LayerPath.parse(self.module, name).module)
            if name not in fields:
                yield name, *_kind(module), "-", "-", "-", "-"
                continue
            seen, seen_by = ["global", "", ""], fields[name]
            if seen_by is not None:
                seen = [str(seen_by.size), f"{seen_by.stride:g}", f"{seen_by.offset:g}"]
            yield name, *_kind(module), *seen, grids[name].channels

    def _shown_table(self) -> Table:
        """Return the first rows of `layers_table`; of its children if the network does not run."""
        try:
            table = self.layers_table()
        except Exception as error:  # of the user's network; printing never fails
            children = self.module.named_children()
            rows = [(name, *_kind(child), "-", "-", "-", "-") for name, child in children]
            table = Table(LAYERS_HEADER, rows, " ".join(str(error).split()))
        return table.first(_LISTED)

    def __str__(self) -> str:
        """Return a line about the network above a table of its first layers."""
        return f"{self!r}\n{self._shown_table()}"

    def _repr_html_(self) -> str:
        """Return the same as HTML, for notebooks."""
        return f"<p>{html.escape(repr(self))}</p>{self._shown_table()._repr_html_()}"

    def several(self, names: Sequence[str]) -> Layers:
        """Return several of the layers as one representation, computed by one forward pass."""
        return Layers([self.layer(name) for name in names])

    def _loss_weight(self, layer: str) -> float | None:
        """Return C from the first row of the table that reaches the layer's end, if it has rows."""
        if not self.loss_weights:
            return None
        end = self._end(layer)
        rows = [weight for last, weight in self.loss_weights if end <= self._end(last)]
        return rows[0] if rows else LAST_LOSS_WEIGHT

    def _end(self, layer: str) -> int:
        """Return the index of the last submodule that belongs to the module of `layer`."""
        module = LayerPath.parse(self.module, layer).module
        names = enumerate(name for name, _ in self.module.named_modules())
        return max(n for n, name in names if not module or f"{name}.".startswith(f"{module}."))

    def class_index(self, name: str) -> int:
        """Return the index of the class with this name among its synonyms, or with this number.

        Raises:
            ValueError: if there is no such class, or several have the name.

        >>> names = ("drake", "goose", "black swan, Cygnus atratus")
        >>> network = Network(nn.Flatten(), Preprocessing(mean=(127.5,)), "birds", names)
        >>> network.class_index("Cygnus atratus")
        2
        """
        if not self.classes:
            raise ValueError(
                "the classes of this network have no names: load it with `classes`, their names in "
                f"order, or take channels (--channels) of {self.name}/{self.score_layer}"
            )
        if name.isdecimal() and int(name) < len(self.classes):
            return int(name)
        synonyms = [[word.strip().lower() for word in text.split(",")] for text in self.classes]
        found = [index for index, words in enumerate(synonyms) if name.strip().lower() in words]
        if len(found) > 1:
            raise ValueError(f"several classes are called {name!r}: {', '.join(map(str, found))}")
        if not found:
            raise ValueError(unknown("class", name, [word for words in synonyms for word in words]))
        return found[0]

    def probabilities(self, images: Tensor) -> Tensor:
        """Return the softmax of the class scores of images in the core's units, (N, classes)."""
        with torch.no_grad():
            return probabilities(self.layer(self.score_layer)(images))

    def confidence(self, picture: Image.Image, class_name: str) -> dict[str, Any]:
        """Classify a picture after it was saved with 8 bits and loaded again.

        Returns:
            The `probability` of the class, and `top_1`, the class of the largest probability.

        Raises:
            ValueError: if there is no such class.
        """
        index, file = self.class_index(class_name), io.BytesIO()
        picture.save(file, "PNG")
        file.seek(0)
        image = self.preprocessing.load(file, (picture.height, picture.width))
        (probabilities,) = self.probabilities(image[None])
        likeliest = self.classes[int(probabilities.argmax())]
        return {"probability": float(probabilities[index]), "top_1": likeliest.split(",")[0]}


def _kind(module: nn.Module) -> tuple[str, object]:
    """Return the class of a module, and the side of its kernel if it has one."""
    kernel = getattr(module, "kernel_size", "")
    return type(module).__name__, kernel[0] if isinstance(kernel, tuple) else kernel


def _outputs(part: Part, x: Tensor) -> tuple[dict[str, Any], Any]:
    """Return the outputs of the submodules that a pass reaches, by name, and of the network."""
    returned: list[Any] = []

    def run() -> None:
        with guarded(part, x):
            returned.append(part.network(x, **part.inputs_for(x)))

    return called(part.network, run), returned[0]


def _inside(name: str, output: Any) -> list[str]:
    """Return the names of the tensors inside an output that can be codes."""
    return [inside for inside, y in tensors_inside(name, output) if _is_code(y)]


def _is_code(output: Tensor) -> bool:
    """Tell whether a tensor can be the code of a batch of images."""
    return output.ndim > 1 and output.is_floating_point()
