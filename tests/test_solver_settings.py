"""The constants of the solvers: limits, and shares of the steps."""

from __future__ import annotations

from typing import Any

import pytest

from preimage.presets import CLASSICAL_QUALITIES, MODERN, PAPER
from preimage.solver_settings import JitteredLBFGS, SobolevLBFGS

FAST = CLASSICAL_QUALITIES["fast"]


def test_fewer_steps_keep_the_proportions_of_the_stages() -> None:
    assert FAST.with_steps(20).solver == SobolevLBFGS(stages=((5, 1.0), (15, 0.7)))
    assert FAST.with_steps(1).solver == SobolevLBFGS(stages=((1, 0.7),))
    assert PAPER.with_steps(20) == PAPER.replace(iterations=20)
    assert MODERN.with_steps(30) == MODERN.replace(iterations=20, natural_iterations=10)


@pytest.mark.parametrize("stage", [(1.5, 1), (1, float("nan")), (0, 1), ("1", 1), 3])
def test_a_stage_is_a_count_and_a_softness(stage: Any) -> None:
    with pytest.raises(ValueError, match="a stage must be"):
        SobolevLBFGS(stages=(stage,))


def test_jittered_lbfgs_shares_its_evaluations_between_its_parts() -> None:
    solver = JitteredLBFGS(iterations=110, final_iterations=90)
    assert solver.evaluations == 200
    for steps in (1, 2, 3, 60, 351):
        fewer = solver.with_steps(steps)
        assert fewer.evaluations == steps
        assert abs(fewer.final_iterations - 0.45 * steps) < 1
    assert solver.with_steps(1).iterations == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"iterations": 0, "final_iterations": 0}, "needs at least one iteration"),
        ({"iterations": 1.5}, "numbers of iterations must"),
        ({"denoising": -1.0}, "denoising must"),
        ({"restored_luminance": 1.1}, "restored_luminance must"),
        ({"restored_chroma": -0.1}, "restored_chroma must"),
        ({"change_weight": 0}, "change_weight must"),
    ],
)
def test_jittered_lbfgs_refuses_values_out_of_range(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        JitteredLBFGS(**changes)
