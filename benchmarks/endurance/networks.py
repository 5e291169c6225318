"""24 fresh networks in one process, and a shipped one loaded again and again, each dropped.

Each module is wrapped, checked, inverted, maximized and exaggerated, and must be as it was: the
bits of its state, modes, gradients, hooks. Then everything is dropped. Module, network, layer and
results must be gone, without the collector's help or with it, and memory must return.
`endurance_networks.csv` has a row for each network.
"""

from __future__ import annotations

import argparse
import gc
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

import preimage
from benchmarks.endurance.fresh_networks import FRESH, Fresh
from benchmarks.endurance.readings import describe, read
from benchmarks.hashes.parts import array_hash, photo
from benchmarks.timing import machine, write_csv
from preimage import Execution, Network, Preprocessing

_SIDE = 48
_SHIPPED = 12
"""Number of times that the shipped network is loaded."""
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_NAME = "efficientnet-lite0"


def main(arguments: Sequence[str]) -> None:
    """Use and drop the networks, and write endurance_networks.csv."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks endurance networks")
    parser.add_argument("--rounds", type=int, default=1, help="times that each kind is made")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"), help="folder")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(machine())
    rows, readings = [], [read(0)]
    for name, build, layer in _networks(options.rounds):
        found = _use_and_drop(build, layer)
        readings.append(read(len(readings)))
        rows.append({"network": name, "layer": layer, **found, **readings[-1].row})
        print(*rows[-1].values(), sep=" | ", flush=True)
    fresh = len(FRESH) * options.rounds
    print("\n".join(describe(readings[: fresh + 1], 4, 10, "fresh networks")))
    print("\n".join(describe(readings, fresh + 3, 10, "loads of the shipped network")))
    for name in ("changed", "alive"):
        print(f"{name}: {[row['network'] for row in rows if row[name]]}")
    write_csv(options.out / "endurance_networks.csv", rows)


def _networks(rounds: int) -> Iterator[tuple[str, Callable[[], Network], str]]:
    """Yield the name of each network, a function that makes it, and a layer."""
    for number in range(rounds):
        for kind in FRESH:
            yield kind.name, _maker(kind, number), kind.layer
    for _ in range(_SHIPPED):
        yield _NAME, lambda: preimage.network(_NAME), "blocks.2"


def _maker(kind: Fresh, seed: int) -> Callable[[], Network]:
    channels, size = kind.channels, (_SIDE, _SIDE)
    preprocessing = Preprocessing((120.0,) * channels, (60.0,) * channels, size)
    return lambda: preimage.network(kind.build(seed), preprocessing, name=kind.name)


def _use_and_drop(build: Callable[[], Network], layer: str) -> dict[str, Any]:
    """Return what was wrong with a network after its use, and what of it was still alive."""
    gc.collect()
    gc.disable()
    try:
        fails, changed, references = _use(build(), layer)
        at_once = sum(reference() is not None for reference in references)
        gc.collect()
        alive = [type(one).__name__ for r in references if (one := r()) is not None]
    finally:
        gc.enable()
    return {"fails": fails, "changed": changed, "cycles": at_once, "alive": " ".join(alive)}


def _use(network: Network, name: str) -> tuple[str, str, list[weakref.ref[Any]]]:
    """Use a layer in every way; return what failed, what changed, and references to all parts."""
    module, side = network.module, (_SIDE, _SIDE)
    before, layer = state(module), network.layer(name)
    report = preimage.check(layer, size=side)
    fast = preimage.settings_for(layer, "fast").with_steps(4)
    cat, one = photo("chelsea"), Execution(threads=1)
    results = [
        preimage.invert(layer, cat, size=side, settings=fast, execution=one),
        preimage.invert(layer, cat, size=side, settings=preimage.NNPREIMAGE.with_steps(3)),
        preimage.maximize(layer, 1, size=_SIDE, settings=preimage.MODERN.with_steps(4)),
        preimage.caricature(layer, cat, size=side, settings=preimage.ANCHORED.with_steps(4)),
    ]
    fails = "; ".join(f"{found.name}: {found.finding}" for found in report if found.verdict == "no")
    after = state(module)
    changed = [part for part in before if before[part] != after[part]]
    tensors = [result.images for result in results] + list(module.parameters())
    parts = [module, *module.children(), layer, *tensors]
    return fails, " ".join(changed), [weakref.ref(part) for part in parts]


def state(module: nn.Module) -> dict[str, Any]:
    """Return all that must stay as it was: bits, modes, gradients, hooks, attributes."""
    modules, parameters = dict(module.named_modules()), dict(module.named_parameters())
    gradients = {name: value.grad for name, value in parameters.items()}
    return {
        "bits": {name: array_hash(value) for name, value in module.state_dict().items()},
        "modes": {name: one.training for name, one in modules.items()},
        "requires_grad": {name: value.requires_grad for name, value in parameters.items()},
        "gradients": {n: None if g is None else array_hash(g) for n, g in gradients.items()},
        "hooks": {n: [list(getattr(one, h)) for h in _HOOKS] for n, one in modules.items()},
        "identity": [id(value) for value in parameters.values()],
        "attributes": {name: sorted(vars(one)) for name, one in modules.items()},
        "memory": {n: (value.stride(), value.data_ptr()) for n, value in parameters.items()},
    }
