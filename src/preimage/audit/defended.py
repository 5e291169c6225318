"""Leak and usefulness of vectors under defenses, measured in the same way for each.

The same photos are attacked by the same inversion, through all that an attacker knows of the
defense. The pictures are kept, so that a later run goes on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

from preimage.audit.defenses import Defense
from preimage.audit.likeness import Gallery
from preimage.audit.measures import Estimate, estimate
from preimage.audit.reconstructions import AttackRun, Case, Reconstruction
from preimage.audit.usefulness import Known, Rate, measure_membership, measure_use
from preimage.audit.verdict import Verdict, decide
from preimage.files import file_name

if TYPE_CHECKING:
    from preimage.optimizer import Progress

PHOTOS = 12
"""The number of photos that are attacked under each defense, if no other is given."""

FOLDER = "defenses"
"""The folder of the pictures in that of the audit."""

NO_PROOF = (
    "A defense that this attack does not get through is not proven: it knows the defense where "
    "that is public, but a stronger one may succeed."
)

_LEAKS = ("reidentified_judge", "reidentified_hog", "reidentified_pixels")
"""The measures one of which is the leak of the plot."""


@dataclass(frozen=True, slots=True)
class DefenseResult:
    """The leak under a defense, and the usefulness that is left.

    Attributes:
        defense: its name.
        sentence: what it does, and what the attacker knows of it.
        estimates: all measures of the reconstructions.
        verdict: what they show.
        matched: the share of stored photos that an attacker who has them finds in the store.
        use: the searches of the owner; the first is the mean of all retrievals.
        errors: ||Phi(x*) - Phi_0|| / ||Phi_0|| of each reconstruction, as the attacker sees it.
        files: their pictures, seen from the folder of the audit.
    """

    defense: str
    sentence: str
    estimates: tuple[Estimate, ...]
    verdict: Verdict
    matched: Rate
    use: tuple[Rate, ...]
    errors: tuple[float, ...]
    files: tuple[str, ...]

    @property
    def retrieval(self) -> Rate:
        """The share of changed photos that the owner finds again."""
        return self.use[0]


@dataclass(frozen=True, slots=True)
class Defended:
    """The results of several defenses, the undefended vectors first.

    Attributes:
        results: one for each defense.
        attacked: the number of photos that were attacked.
        stored: the number of vectors that are searched.
        quality: the name of the attack's settings.
    """

    results: tuple[DefenseResult, ...]
    attacked: int
    stored: int
    quality: str

    @property
    def leaks(self) -> tuple[Estimate, ...]:
        """The measure of each defense by which most undefended photos are picked out of all."""
        plain = self.results[0].estimates
        n = max(
            (n for n, one in enumerate(plain) if one.measure in _LEAKS),
            key=lambda n: (plain[n].value, -_LEAKS.index(plain[n].measure)),
        )
        return tuple(result.estimates[n] for result in self.results)

    def describe(self) -> dict[str, Any]:
        """Return everything as plain data, for JSON."""
        return {
            "attacked": self.attacked,
            "stored": self.stored,
            "quality": self.quality,
            "leak": {"measure": self.leaks[0].measure, "judge": self.leaks[0].judge},
            "results": [_describe(result) for result in self.results],
            "no_proof": NO_PROOF,
        }


@dataclass(frozen=True, slots=True)
class DefendedRun:
    """An attack on photos' codes under a defense.

    Attributes:
        defense: the defense.
        run: the attack through all that an attacker knows of it.
        cases: the stored codes; photos that share one have the same.
    """

    defense: Defense
    run: AttackRun
    cases: tuple[Case, ...]

    @property
    def different(self) -> list[Case]:
        """The cases, each code once."""
        return list({case.name: case for case in self.cases}.values())

    def reconstruct(
        self, batch: int, progress: Callable[[str], Callable[[Progress], None]]
    ) -> list[Reconstruction]:
        """Return the reconstruction of each photo.

        Args:
            batch: the number of codes that are attacked together.
            progress: returns what is called after each step of some codes, given their name.

        Raises:
            KeyboardInterrupt: after Ctrl-C.
        """
        made: dict[str, Reconstruction] = {}
        for start in range(0, len(self.different), batch):
            part = self.different[start : start + batch]
            report = progress(f"{self.defense.name}, {part[0].name}")
            made |= {one.name: one for one in self.run.reconstruct(part, report)}
        return [made[case.name] for case in self.cases]


def prepare_run(plain: AttackRun, defense: Defense, codes: Tensor, count: int) -> DefendedRun:
    """Return the attack on the first photos under a defense.

    Args:
        plain: the attack on undefended codes.
        defense: the defense.
        codes: the undefended codes of all photos of the store, (N, ...).
        count: the number of photos that are attacked.
    """
    stored, cases = defense.store(codes)[:count], list[Case]()
    for n, code in enumerate(stored):
        first = next(k for k in range(n + 1) if stored[k].equal(code))
        cases.append(Case(f"photo-{first + 1}", code[None], f"photo {first + 1}, {defense.name}"))
    folder = plain.folder / FOLDER / file_name(defense.name)
    run = dataclasses.replace(
        plain, representation=defense.known(plain.representation), folder=folder
    )
    return DefendedRun(defense, run, tuple(cases))


def measure_defenses(
    runs: Sequence[DefendedRun],
    made: Sequence[Sequence[Reconstruction]],
    gallery: Gallery,
    known: Known,
    quality: str,
) -> Defended:
    """Return what leaks under each defense, and what is left of the usefulness.

    Args:
        runs: the attacks, that on undefended vectors first.
        made: the reconstructions of each.
        gallery: the photos that were attacked.
        known: the photos of the store.
        quality: the name of the attack's settings.
    """
    seed = runs[0].run.seed
    tables = {
        one.defense.name: gallery.compare([found.picture for found in reconstructions])
        for one, reconstructions in zip(runs, made, strict=True)
    }
    estimates = estimate(tables, seed)
    results = []
    for one, reconstructions in zip(runs, made, strict=True):
        name = one.defense.name
        results.append(
            DefenseResult(
                defense=name,
                sentence=one.defense.sentence,
                estimates=estimates[name],
                verdict=decide(estimates[name]),
                matched=measure_membership(one.defense, known),
                use=measure_use(one.defense, known, seed),
                errors=tuple(found.error for found in reconstructions),
                files=tuple(f"{FOLDER}/{file_name(name)}/{r.file}" for r in reconstructions),
            )
        )
    stored = len(known.codes) + len(known.others)
    return Defended(tuple(results), len(gallery), stored, quality)


def _describe(result: DefenseResult) -> dict[str, Any]:
    verdict = {"words": str(result.verdict), "level": result.verdict.level}
    return {**dataclasses.asdict(result), "verdict": verdict | dataclasses.asdict(result.verdict)}
