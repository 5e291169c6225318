"""`--defend` of `preimage audit codes`: what defenses of vectors would hold back, and cost."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from preimage.cli.progress import ProgressBar, announce
from preimage.cli.tables import print_table, print_wrapped

if TYPE_CHECKING:
    from torch import Tensor

    from preimage.audit.defended import Defended, DefendedRun
    from preimage.audit.recognition import Recognition
    from preimage.audit.reconstructions import AttackRun, Reconstruction
    from preimage.audit.result import Audit
    from preimage.audit.truth import Truth
    from preimage.audit.vectors import Vectors
    from preimage.networks import Network


@dataclass(frozen=True, slots=True)
class Plan:
    """Defenses that are measured after an audit.

    Attributes:
        runs: the attacks under each defense.
        truth: the photos.
        others: the codes of stored vectors, which are searched as well.
        quality: the name of the settings of the attacks.
    """

    runs: tuple[DefendedRun, ...]
    truth: Truth
    others: Tensor
    quality: str

    def add_to(
        self,
        audit: Audit,
        folder: Path,
        judges: Sequence[Network],
        batch: int,
        bar: ProgressBar,
    ) -> tuple[Audit, list[Path]]:
        """Return the audit with what defenses do, and the files written of it.

        Raises:
            KeyboardInterrupt: after Ctrl-C; the pictures that are done are kept.
        """
        from preimage.reporting.audit_page import write_page
        from preimage.reporting.defenses import write_defenses
        from preimage.reporting.stored import write_result

        _announce(self.runs, batch)
        made = [run.reconstruct(batch, bar.for_steps) for run in self.runs]
        bar.start("searching defended vectors")
        found = self._measure(made, judges)
        files = write_defenses(folder, found)
        audit = dataclasses.replace(audit, defenses=found)
        files += write_result(folder, audit)
        return audit, [*files, write_page(folder, audit)]

    def _measure(
        self, made: Sequence[Sequence[Reconstruction]], judges: Sequence[Network]
    ) -> Defended:
        import torch

        from preimage.audit.defended import measure_defenses
        from preimage.audit.likeness import Gallery
        from preimage.audit.usefulness import classes_of, encode_known

        plain, pictures = self.runs[0].run, self.truth.pictures
        codes = torch.cat([case.code for case in self.truth.cases])
        classes = classes_of(pictures, judges)
        known = encode_known(
            plain.representation, self.truth.paths, codes, self.others, classes, plain.seed
        )
        gallery = Gallery(pictures[: len(made[0])], judges)
        return measure_defenses(self.runs, made, gallery, known, self.quality)


def plan_defended(
    names: Sequence[str],
    run: AttackRun,
    truth: Truth,
    store: tuple[Recognition, Vectors],
    limit: int | None,
    quality: str,
) -> Plan:
    """Return the attacks under defenses.

    Args:
        names: the defenses.
        run: the attack on undefended codes.
        truth: the photos.
        store: what was done to stored vectors, and a sample of them, which is searched as well if
            they are codes of the layer.
        limit: the largest number of photos that are attacked; 12 if None.
        quality: the name of the settings of the attack.

    Raises:
        OSError, ValueError: as `preimage.audit.defenses.plan_defenses`.
    """
    import torch

    from preimage.audit.defended import PHOTOS, prepare_run
    from preimage.audit.defenses import plan_defenses

    found, vectors = store
    others = found.codes(vectors.values)[: None if found.is_alike else 0]
    codes = torch.cat([case.code for case in truth.cases])
    defenses = plan_defenses(names, run.representation, torch.cat([codes, others]), run.seed)
    runs = [prepare_run(run, defense, codes, limit or PHOTOS) for defense in defenses]
    return Plan(tuple(runs), truth, others, quality)


def print_defenses(defended: Defended) -> None:
    """Print the table of defenses, and what it means."""
    from preimage.reporting.defenses import header, in_words, rows

    print_table(header(defended), rows(defended), "leak and usefulness under defenses")
    for line in in_words(defended):
        print_wrapped(line)


def _announce(runs: Sequence[DefendedRun], batch: int) -> None:
    """Print the time that the attacks under defenses will take."""
    left = [[case for case in one.different if one.run.find(case) is None] for one in runs]
    count = sum(map(len, left))
    first = next((n for n, cases in enumerate(left) if cases), None)
    if first is not None:
        each = runs[first].run.estimate_seconds(left[first][0])
        rounds = sum(-(-len(cases) // batch) for cases in left)
        announce(each * rounds, f"{count} codes under {len(runs) - 1} defenses", "--limit")
