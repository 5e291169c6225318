"""The independence of judges: a judge must not be the network whose codes are attacked."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from preimage.files import sha256
from preimage.networks import Network

MOST_SHARED = 0.5
"""The largest share of a judge's weights that the attacked network may have, too."""


def check_independent(judges: Sequence[Network], attacked: nn.Module | None) -> None:
    """Raise ValueError if the attacked network has most of a judge's weights.

    Weights are compared by their values, whatever their names are, so that a network is known again
    from another source, or with another last layer.

    >>> from preimage.preprocessing import Preprocessing
    >>> judge = Network(nn.Linear(8, 8), Preprocessing(mean=(0.0,) * 3), "mine")
    >>> check_independent([judge], nn.Linear(8, 8))
    """
    if attacked is None:
        return
    known = set(_weights(attacked))
    for judge in judges:
        sizes = _weights(judge.module)
        shared = sum(size for checksum, size in sizes.items() if checksum in known)
        share = shared / max(1, sum(sizes.values()))
        if share > MOST_SHARED:
            raise ValueError(
                f"{judge.name} is no independent judge: {100 * share:.0f}% of its weights are "
                "those of the audited network; name another network"
            )


def _weights(module: nn.Module) -> dict[str, int]:
    """Return the number of values of each tensor of weights by its checksum."""
    return {
        sha256(weights.detach().cpu().contiguous().numpy().tobytes()): weights.numel()
        for weights in module.parameters()
    }
