"""Reconstructions of codes are kept, found again, and made again if they are of something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from preimage.audit.reconstructions import AttackRun, Case
from preimage.objective import Energy
from preimage.optimizer import Progress
from preimage.representations.base import Representation
from preimage.representations.hog import HOG

SIDE = 32


@dataclass(frozen=True)
class Gray:
    """An attack that takes 100 steps and returns gray images."""

    name: str = "gray"
    knowledge: str = "Nothing."
    calls: list[int] = field(default_factory=list)

    def reconstruct(
        self,
        codes: Tensor,
        representation: Representation,
        *,
        seed: int,
        progress: Callable[[Progress], None] | None = None,
    ) -> Tensor:
        """See `Attack.reconstruct`."""
        self.calls.append(len(codes))
        zeros = torch.zeros(1, 1)
        for step in range(100):
            if progress is not None:
                progress(Progress(step + 1, 100, Energy(zeros, zeros, zeros, zeros), zeros))
        return torch.full((len(codes), 3, SIDE, SIDE), 99.4)


def _cases(count: int) -> list[Case]:
    images = torch.rand(count, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) * 255
    return [Case(f"row-{n}", code[None], f"row {n}") for n, code in enumerate(HOG().encode(images))]


def test_what_is_done_is_found_again(tmp_path: Path) -> None:
    attack = Gray()
    run = AttackRun(attack, HOG(), tmp_path, {"settings": [1]}, seed=3)
    cases = _cases(3)
    assert run.find(cases[0]) is None
    (first,) = run.reconstruct(cases[:1])
    assert (first.file, first.error) == ("gray/row-0.png", 1)
    assert np.array_equal(np.asarray(first.picture), np.full((SIDE, SIDE, 3), 99))
    found = run.reconstruct(cases)
    assert attack.calls == [1, 2]
    assert [one.name for one in found] == ["row-0", "row-1", "row-2"]
    assert found[0] == replace(first, picture=found[0].picture)
    assert (tmp_path / found[2].file).exists()


@pytest.mark.parametrize("change", ["code", "settings", "seed", "sidecar"])
def test_what_is_of_something_else_is_made_again(change: str, tmp_path: Path) -> None:
    run = AttackRun(Gray(), HOG(), tmp_path, {"settings": [1]})
    case, other = _cases(2)
    run.reconstruct([case])
    if change == "code":
        case = replace(case, code=other.code)
    if change == "sidecar":
        (tmp_path / "gray" / "row-0.json").write_text("cut")
    run = replace(run, seed=int(change == "seed"), about={"settings": [1 + (change == "settings")]})
    assert run.find(case) is None


def test_the_time_is_known_after_a_few_steps(tmp_path: Path) -> None:
    run = AttackRun(Gray(), HOG(), tmp_path, {})
    assert 0 < run.estimate_seconds(_cases(1)[0]) < 5
    assert not list(tmp_path.iterdir())
