"""A trial: one visualization as plain data, with all that its result depends on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    FiniteFloat,
    NonNegativeFloat,
    NonNegativeInt,
    ValidationError,
)

from preimage.files import sha256
from preimage.loss_weight import LossWeight, format_weight
from preimage.masks import Mask
from preimage.models.state_dicts import RANDOM
from preimage.names import STEP, LayerName
from preimage.presets import Visualization, strength_of
from preimage.settings import Settings
from preimage.studies.problems import describe_problem
from preimage.targets import Target, Term


class UnreadableTrialError(ValueError):
    """The error for a text that is not a trial; the message says why."""


class Trial(BaseModel):
    """One inversion, maximization or caricature; its `key` is its identity.

    Fields that do not apply to the visualization are None. The key depends on the contents of
    files, not on their paths. It does not depend on `maximum` either, which follows from the
    network, the component and the photos.

    Attributes:
        representation: name of Phi, as `preimage.representation` takes it.
        weights: weight file of the network, "random", or None for the network's own.
        weights_sha256: checksum of that file, or of the .mat file that `representation` names.
        photo: path of the photo that is inverted or caricatured.
        size: longer side, or height and width, of the resized photo or the maximization; None for
            the size that the representation prescribes.
        seed: seed of noise and jitter.
        diversity: weight of the difference between the images of a maximization over seeds.
        seeds: if there is such a weight, the seeds of all images that differ from each other.
        settings: all constants; None for HOGgle, which has none.
        mask: the components of the code that count in an inversion.
        dictionaries: HOGgle's dictionary file, if HOGgle inverts the HOG.
        channel: index of the channel that a maximization excites.
        position: row and column of the response, or the name of a token before the grid; None
            for the central response.
        class_name: name of the class if the channel is the score of a class.
        maximum: M, the largest response to photos; 0 if no photo changes the response.
        reference_sha256: checksum of the contents of these photos.
        judge: names of the networks that judge the picture.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    visualization: Visualization = "invert"
    representation: str
    weights: str | None = None
    weights_sha256: str | None = None
    photo: str | None = None
    photo_sha256: str | None = None
    size: int | tuple[int, int] | None = None
    seed: int = 0
    diversity: NonNegativeFloat = 0
    seeds: tuple[int, ...] = ()
    settings: Settings | None = None
    mask: Mask = Mask()
    dictionaries: str | None = None
    dictionaries_sha256: str | None = None
    channel: NonNegativeInt | None = None
    position: tuple[NonNegativeInt, NonNegativeInt] | str | None = None
    class_name: str | None = None
    maximum: FiniteFloat | None = None
    reference_sha256: str | None = None
    judge: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, text: str, key: str) -> Trial:
        """Return the trial with this key from the text that `model_dump_json` made of it.

        Raises:
            UnreadableTrialError: if the text is not a trial; its message is one line.
        """
        try:
            trial = cls.model_validate_json(text)
        except ValidationError as error:
            raise UnreadableTrialError(describe_problem(error.errors()[0])) from None
        trial.__dict__["key"] = key
        return trial

    def __copy__(self) -> Self:
        """Return a copy without the cached key, because `model_copy` may change its fields."""
        copied = super().__copy__()
        copied.__dict__.pop("key", None)
        return copied

    @cached_property
    def key(self) -> str:
        """A hash of all that the result depends on, in 32 hexadecimal digits.

        >>> known = {"representation": "hog", "photo_sha256": "0", "settings": Settings()}
        >>> trial = Trial(photo="a.png", **known)
        >>> trial.key == trial.model_copy(update={"photo": "b.png"}).key
        True
        >>> trial.key == trial.model_copy(update={"seed": 1}).key
        False
        """
        left_out = {"photo", "dictionaries", "maximum", "settings"}
        if not self.diversity:
            left_out |= {"diversity", "seeds"}
        parts = self.model_dump(exclude=left_out)
        if self.weights_sha256 is not None:
            del parts["weights"]
        if not self.judge:
            del parts["judge"]
        constants = {} if self.settings is None else _in_floats(self.settings.constants())
        if constants.get("prior") == "tv":
            del constants["prior"], constants["chroma_weight"]  # the key from before other priors
        if constants.get("branch_gradient") == 1:
            del constants["branch_gradient"]
        parts["settings"] = constants
        text = json.dumps(parts, sort_keys=True)
        return sha256(text.encode())[:32]

    @property
    def batch_key(self) -> str:
        """A text that trials share if they can be carried out in one batch.

        Such trials differ only in their photos, in their components or, with `diversity`, in their
        seeds. Central responses and
        responses with a position are not mixed, because their images differ in size. HOGgle
        inverts one photo at a time.
        """
        if self.dictionaries_sha256 is not None:
            return self.key
        if self.channel is None:
            return self.model_dump_json(exclude={"photo", "photo_sha256"})
        if self.diversity:
            return self.model_dump_json(exclude={"seed"})
        alike = self.model_dump_json(exclude={"channel", "position", "class_name", "maximum"})
        return f"{alike} {self.position is None}"

    @property
    def constants(self) -> dict[str, Any]:
        """All constants by name, including the solver's; empty for HOGgle."""
        constants = {} if self.settings is None else self.settings.constants()
        if self.visualization == "maximize":
            constants["diversity"] = self.diversity
        return constants

    @property
    def target(self) -> Target:
        """The component that a maximization excites, as a target of the representation.

        Raises:
            ValueError: if the trial is no maximization.
        """
        if self.channel is None:
            raise ValueError(f"{self.visualization}: a trial without a component")
        return Target((Term(None, self.channel, self.position or "center"),))

    @property
    def component(self) -> str | None:
        """The component as text; None without one.

        >>> maximization = Trial(visualization="maximize", representation="vgg-m/conv3", channel=5)
        >>> maximization.component
        '5'
        >>> maximization.model_copy(update={"position": (3, 4)}).component
        '5:3,4'
        """
        return None if self.channel is None else self.class_name or str(self.target.terms[0])

    @property
    def subject(self) -> str:
        """The component, or the name of the photo."""
        return self.component or Path(self.photo or "").name

    @property
    def weight(self) -> LossWeight | None:
        """C of an inversion, or the strength of another visualization; None for HOGgle."""
        if self.settings is None:
            return None
        if self.visualization == "invert":
            return self.settings.loss_weight
        return strength_of(self.visualization, self.settings)

    @property
    def description(self) -> str:
        """A short description of the trial."""
        name = "C" if self.visualization == "invert" else "strength"
        weight = "HOGgle" if self.weight is None else f"{name} {format_weight(self.weight)}"
        text = f"{self.representation}, {self.subject}, {weight}, seed {self.seed}"
        return f"{text}, diversity {self.diversity:g}" if self.diversity else text


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file; if it cannot be read, a text with its path."""
    try:
        return sha256(path)
    except OSError:
        return f"unreadable:{path}"


def checksum_of_all(photos: Sequence[Path]) -> str:
    """Return a SHA-256 of the contents of photos, whatever their order and names."""
    contents = sorted({checksum(photo) for photo in photos})
    return sha256("".join(contents).encode())


def weights_checksum(representation: str, weights: str | None) -> str | None:
    """Return a SHA-256 of the files of a trial's representation; None if all are published.

    These are the files of its network, and those of matrices that its codes go through.
    """
    from preimage.models.sources import own_files

    steps = [step.strip() for step in representation.split(STEP)[1:]]
    names = [step.removeprefix("pca:") for step in steps if step.startswith("pca:")]
    matrices = [Path(name).expanduser() for name in names]
    if weights is None or weights == RANDOM:
        files = [*own_files(LayerName.parse(representation).network), *matrices]
    else:
        files = [Path(weights).expanduser(), *matrices]
    sums = [checksum(file) for file in files]
    if matrices and weights == RANDOM:
        sums.append(RANDOM)
    return sums[0] if len(sums) == 1 else sha256("".join(sums).encode()) if sums else None


def _in_floats(value: Any) -> Any:
    """Return the value with integers as floats: C = 20 and C = 20.0 give the same key."""
    if isinstance(value, Mapping):
        return {name: _in_floats(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_in_floats(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value
