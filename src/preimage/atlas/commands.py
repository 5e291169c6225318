"""The command that makes a picture of an atlas again."""

from __future__ import annotations

import shlex
from functools import cache

from preimage.atlas.data import Picture
from preimage.loss_weight import format_weight
from preimage.names import LayerName
from preimage.photo_files import photo_paths
from preimage.presets import PRESETS, strength_of
from preimage.settings import Settings
from preimage.studies.trial import Trial, checksum_of_all


def command(picture: Picture) -> str | None:
    """Return the command that makes the picture of a component; None if no command does."""
    trial, steps = picture.trial, picture.measures.steps
    preset = _preset(trial.settings, steps)
    seeds = sorted(trial.seeds) or [trial.seed]
    if preset is None or seeds != list(range(seeds[0], seeds[0] + len(seeds))):
        return None
    words: list[object] = ["preimage", "maximize", *_component(trial)]
    words += ["--seed", seeds[0]]
    if trial.diversity:
        words += ["--seeds", len(seeds), "--diversity", f"{trial.diversity:g}"]
    if trial.size is not None:
        sides = [trial.size] if isinstance(trial.size, int) else trial.size
        words += ["--size", "x".join(map(str, sides))]
    if trial.weights is not None:
        words += ["--weights", trial.weights]
    if trial.reference_sha256 != _shipped():
        words += ["--reference", "PHOTOS"]
    if preset != "modern":
        words += ["--preset", preset]
    if trial.weight is not None and trial.weight != strength_of("maximize", PRESETS[preset]):
        words += ["--strength", format_weight(trial.weight)]
    return shlex.join(map(str, [*words, "--steps", steps]))


def _preset(settings: Settings | None, steps: int | None) -> str | None:
    """Return the preset that gives these settings with its strength and steps changed."""
    if settings is None or not steps:
        return None
    for name, preset in PRESETS.items():
        if preset.with_steps(steps).replace(strength=settings.strength) == settings:
            return name
    return None


def _component(trial: Trial) -> list[str]:
    """Return the arguments that name the component of a trial."""
    if trial.class_name:
        return [LayerName.parse(trial.representation).network, "--classes", trial.class_name]
    if trial.position is None:
        return [trial.representation, "--channels", str(trial.channel)]
    place = [trial.position] if isinstance(trial.position, str) else map(str, trial.position)
    return [trial.representation, "--neurons", ",".join([str(trial.channel), *place])]


@cache
def _shipped() -> str:
    """Return the checksum of the shipped photos."""
    return checksum_of_all(photo_paths(None))
