"""A study as a TOML file: representations, images, constants, and what to do with them.

A trial is made for every combination. Only `representations` is required:

    name = "early-layers"
    representations = ["hog", "efficientnet-lite0/blocks.2", "vgg-m/*"]
    images = ["photos", "more/fox.jpg"]     # files and folders; the shipped photos if not given
    loss_weight = [1, 20, 100, "auto"]      # C, "auto" to have it chosen; if not given, the layer's
    seeds = [0, 1]
    size = 320                              # longer side, or [height, width]
    steps = 300                             # the number of the preset if not given

    [settings]                              # constants; each value of a list is tried
    beta = [1.0, 1.5, 2.0]

A study of maximizations, which show what layers respond to:

    visualization = "maximize"              # or "caricature"
    representations = ["efficientnet-lite0/blocks.5"]
    channels = "0-24,31"                    # or "all"
    neurons = [[3, 6, 6], [3, "cls"]]       # channel, row, column; or channel, token
    classes = ["goose"]                     # for the layer of class scores

Paths are relative to the file.
"""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from preimage.files import check_is_file
from preimage.loss_weight import is_auto
from preimage.masks import Mask
from preimage.names import parse_channels, unknown
from preimage.presets import CARICATURE_PRESETS, PRESETS, QUALITIES, UPRIGHT_PRESETS, Visualization
from preimage.settings import Settings
from preimage.solver_settings import Algorithm1, JitteredLBFGS
from preimage.studies.problems import describe_problem, format_value

_APPLY_TO: dict[str, tuple[Visualization, ...]] = {
    "images": ("invert", "caricature"),
    "limit": ("invert", "caricature"),
    "loss_weight": ("invert",),
    "quality": ("invert",),
    "mask": ("invert",),
    "strength": ("maximize", "caricature"),
    "diversity": ("maximize",),
    "channels": ("maximize",),
    "neurons": ("maximize",),
    "classes": ("maximize",),
    "reference": ("maximize",),
}
"""The visualizations that each key applies to; keys not listed apply to all visualizations."""

_MISSPELT = ("extra_forbidden", "unexpected_keyword_argument")

_OWN_KEYS = ("loss_weight", "strength", "solver")

_NUMBERS = ("limit", "neurons", "loss_weight", "strength", "seeds", "diversity", "size", "steps")
"""The keys of numbers, which pydantic would also read from texts."""

_EXPECTED = {
    "size": "a number of pixels, the longer side, or [height, width]",
    "neurons": "a list of [channel, row, column] or [channel, token]",
}
"""The expected value of each key that takes several kinds of values."""

Index: TypeAlias = Annotated[int, Field(ge=0, lt=2**31)]
Seed: TypeAlias = Annotated[int, Field(ge=0, lt=2**63)]
Count: TypeAlias = Annotated[int, Field(gt=0, lt=2**31)]
Number: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Weight: TypeAlias = Annotated[
    Annotated[Number, Tag("float")] | Annotated[Literal["auto"], Tag("str")],
    Discriminator(lambda value: "str" if is_auto(value) else "float"),
]
Strength: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Study(BaseModel):
    """A study by its keys; the module's docstring describes the keys that are left out here.

    Attributes:
        name: name of the study in its store; by default, the name of its file.
        representations: names of Phi; "NETWORK/*" stands for the main layers of a network.
        limit: largest number of photos.
        reference: photos that M is taken from; None for the shipped photos.
        classes: classes to maximize, by name or number.
        weights: weight file of the networks, "random", or None for each network's own.
        strength: strengths of maximizations and caricatures, multiples of 1 / Z; None for the
            default of the preset.
        diversity: weight of the difference between the images of a component over seeds.
        quality: "draft", "fast" or "best"; only for inversions.
        preset: "nnpreimage" or "paper", for maximizations also "modern", for caricatures
            "anchored"; an inversion takes either a preset or a quality.
        steps: number of evaluations; None for the number of the quality or preset.
        mask: the components of the codes that count in inversions.
        judge: networks that had no part in the pictures and judge them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    visualization: Visualization = "invert"
    representations: list[str] = Field(min_length=1)
    images: list[str] | None = Field(default=None, min_length=1)
    limit: Count | None = None
    reference: list[str] | None = Field(default=None, min_length=1)
    channels: str | None = None
    neurons: list[tuple[Index, Index, Index] | tuple[Index, str]] = Field(default=[], min_length=1)
    classes: list[str] = Field(default=[], min_length=1)
    weights: str | None = None
    loss_weight: list[Weight] | None = Field(default=None, min_length=1)
    strength: list[Strength] | None = Field(default=None, min_length=1)
    seeds: list[Seed] = Field(default=[0], min_length=1)
    diversity: Number = 0
    size: Count | tuple[Count, Count] | None = None
    quality: str | None = None
    preset: str | None = None
    steps: Count | None = None
    settings: dict[str, Any] = {}
    mask: Mask = Mask()
    judge: list[str] = Field(default=[], min_length=1)

    @property
    def joint_seeds(self) -> tuple[int, ...]:
        """The seeds of images that are computed together; empty without diversity."""
        return tuple(dict.fromkeys(self.seeds)) if self.diversity else ()

    @field_validator("*", mode="before")
    @classmethod
    def _check_plain(cls, value: Any) -> Any:
        """Raise if true or false stands for a number, or a text has a null character."""
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, bool):
                raise ValueError("must not be true or false")
            if isinstance(item, str) and "\0" in item:
                raise ValueError(f"must not hold a null character, as {format_value(item)} does")
        return value

    @field_validator(*_NUMBERS, "mask", mode="before")
    @classmethod
    def _check_numbers(cls, value: Any) -> Any:
        """Raise if a text stands for a number, such as "32"."""
        inside = [value.get("window"), value.get("stream")] if isinstance(value, dict) else value
        for item in inside if isinstance(inside, list) else [inside]:
            if isinstance(item, list):
                cls._check_numbers(item)
            if isinstance(item, str) and item.strip().removeprefix("-").replace(".", "").isdigit():
                raise ValueError(f"must be a number, not the text {format_value(item)}")
        return value

    @field_validator("name")
    @classmethod
    def _check_name(cls, value: str) -> str:
        """Raise if the name is not printable, such as a text of several lines."""
        if value and not value.isprintable():
            raise ValueError(f"must be a text in one line, not {format_value(value)}")
        return value

    @field_validator("loss_weight", "strength", "seeds", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> Any:
        """Return a single number, or "auto", as a list of one."""
        return [value] if isinstance(value, int | float) or is_auto(value) else value

    @field_validator("channels")
    @classmethod
    def _check_channels(cls, value: str | None) -> str | None:
        """Raise if the channels are no list of channels."""
        if value not in (None, "all"):
            parse_channels(str(value))
        return value

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Raise if keys contradict each other or have unknown values."""
        if self.quality is not None and self.preset is not None:
            raise ValueError("give either quality or preset")
        for name, visualizations in _APPLY_TO.items():
            if name in self.model_fields_set and self.visualization not in visualizations:
                raise ValueError(f"{name}: not for visualization = {self.visualization!r}")
        if self.visualization == "maximize" and not (self.channels or self.neurons or self.classes):
            raise ValueError('nothing to maximize: give channels ("0-24"), neurons or classes')
        if self.diversity and len(self.joint_seeds) < 2:
            raise ValueError(
                "diversity needs at least two seeds: --seeds 2, or seeds = [0, 1] in a study"
            )
        named = {"maximize": PRESETS, "caricature": CARICATURE_PRESETS}
        presets = named.get(self.visualization, UPRIGHT_PRESETS)
        if self.quality not in (None, *QUALITIES):
            raise ValueError(unknown("quality", str(self.quality), QUALITIES))
        if self.preset not in (None, *presets):
            raise ValueError(unknown("preset", str(self.preset), presets))
        self._check_settings()
        return self

    def _check_settings(self) -> None:
        """Raise if a constant is unknown, of a wrong type, or out of range."""
        kinds = (Settings(), Settings(solver=JitteredLBFGS()))
        known = {name: s for s in reversed(kinds) for name in s.constants()}
        names = [name for name in known if name not in _OWN_KEYS]
        types = (
            get_type_hints(JitteredLBFGS) | get_type_hints(Algorithm1) | get_type_hints(Settings)
        )
        for name, given in self.settings.items():
            if name not in names:
                raise ValueError(f"settings: {unknown('key', name, names)}")
            if given == []:
                raise ValueError(f"settings.{name} must be a list of at least 1, not []")
            adapter: TypeAdapter[Any] = TypeAdapter(
                types[name], config=ConfigDict(strict=True, allow_inf_nan=False)
            )
            for value in given if isinstance(given, list) else [given]:
                if isinstance(value, int) and abs(value) >= 2**31:
                    raise ValueError(f"settings.{name} must be below {2**31}")
                try:
                    known[name].replace(**{name: adapter.validate_python(value)})
                except ValidationError as error:
                    problem = error.errors()[0] | {"loc": ("settings", name)}
                    raise ValueError(describe_problem(problem)) from None
                except ValueError as error:
                    raise ValueError(f"settings.{name}: {error}") from None


def read_study(path: Path) -> Study:
    """Return the study of a TOML file.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is no TOML, or as `make_study`.
    """
    check_is_file(path)
    try:
        keys = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not TOML: it is not UTF-8 text") from None
    except RecursionError:
        raise ValueError(f"{path}: not TOML: its brackets are nested too deeply") from None
    except ValueError as error:  # also integers of thousands of digits
        raise ValueError(f"{path}: not TOML: {error}") from None
    try:
        return make_study({"name": path.stem} | keys)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def make_study(keys: dict[str, Any]) -> Study:
    """Return the study of these keys.

    Raises:
        ValueError: if keys are unknown or values out of range; one line names one of these.
    """
    try:
        return Study.model_validate(keys)
    except ValidationError as error:
        raise ValueError(_first_problem(error, keys)) from None


def _first_problem(error: ValidationError, keys: dict[str, Any]) -> str:
    """Return one line about the problem that explains most of the others."""
    problems = error.errors()
    misspelt = (problem for problem in problems if problem["type"] in _MISSPELT)
    problem = next(misspelt, problems[0])  # a missing key may be a misspelt one
    key = str(problem["loc"][0]) if problem["loc"] else ""
    if problem["type"] in _MISSPELT:
        of_mask = [field.name for field in dataclasses.fields(Mask)]
        known = of_mask if key == "mask" else Study.model_fields
        return unknown("key", str(problem["loc"][-1]), known)
    if key in _EXPECTED:
        problem |= {"loc": (key,), "type": "union", "input": keys[key]}
    return describe_problem(problem, _EXPECTED.get(key))
