"""A fingerprint of a network and of torch's global state, taken before a check and after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

_HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_state_dict_hooks",
)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The state that a call must leave as it was, each part by name.

    Attributes:
        parts: values that can be compared, by the kind of the part.
    """

    parts: dict[str, Any]

    @classmethod
    def take(cls, network: nn.Module | None) -> Fingerprint:
        """Return the fingerprint of a network, or of torch alone."""
        modules = dict(network.named_modules()) if network is not None else {}
        parameters = dict(network.named_parameters()) if network is not None else {}
        buffers = dict(network.named_buffers()) if network is not None else {}
        return cls(
            {
                "modes": {name: module.training for name, module in modules.items()},
                "hooks": {n: [len(getattr(m, h, ())) for h in _HOOKS] for n, m in modules.items()},
                "parameters": {name: _sum(value) for name, value in parameters.items()},
                "requires_grad": {name: p.requires_grad for name, p in parameters.items()},
                "gradients": {name: p.grad is None for name, p in parameters.items()},
                "buffers": {name: _sum(value) for name, value in buffers.items()},
                "devices": {n: str(t.device) for n, t in (parameters | buffers).items()},
                "threads": torch.get_num_threads(),
                "number type": torch.get_default_dtype(),
                "gradient mode": torch.is_grad_enabled(),
            }
        )

    def changed(self, later: Fingerprint) -> list[str]:
        """Return the parts that differ from a later fingerprint, the first entry of each named."""
        return [
            f"{kind} ({_first(value, later.parts[kind])})" if isinstance(value, dict) else kind
            for kind, value in self.parts.items()
            if value != later.parts[kind]
        ]


def _sum(values: Tensor) -> tuple[float, ...]:
    """Return numbers that change if the values do; NaN counts as equal to NaN."""
    plain = values.detach().dequantize() if values.is_quantized else values.detach()
    numbers = torch.nan_to_num(plain.double())
    steps = torch.arange(numbers.numel(), device=numbers.device) % 977
    return float(numbers.sum()), float((numbers.flatten() * steps).sum())


def _first(before: dict[str, Any], after: dict[str, Any]) -> str:
    names = {**before, **after}
    return next(name for name in names if before.get(name) != after.get(name)) or "the network"
