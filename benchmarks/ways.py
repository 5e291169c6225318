"""`python -m benchmarks ways`: what each way to run a network costs in time and memory.

An evaluation of a layer and its gradient at 224 x 224 on one thread, for the networks of
`benchmarks.networks`: as the network is ("plain"), as its faster copy ("auto", the default),
compiled ("compile"), in bfloat16 ("bf16"), and as the copy with activations recomputed, for which
memory is short ("recompute").
Milliseconds of processor time, in turn; seconds by the clock until the first evaluation is
done; the peak of tensors without the network's own weights.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import torch

from benchmarks.networks import COLOR, CPU, SIZE, cases, peak_bytes
from benchmarks.timing import interleaved, machine, write_csv
from preimage.representations.execution import Execution
from preimage.representations.layer import Layer

WAYS = ("plain", "auto", "compile", "bf16", "recompute")
STEPS = 3


def run(out: Path) -> None:
    """About five minutes of a quiet core, most of them compiling."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    print(machine())
    rows = []
    for case in cases():
        with ExitStack() as stack:
            first, calls = {}, {}
            for way in WAYS:
                phi = Layer(case.model, case.layer, COLOR)
                begin = time.perf_counter()
                execution = Execution("auto" if way == "recompute" else way)
                session = stack.enter_context(phi.session(CPU, execution))
                if way == "recompute":
                    session.recompute()
                evaluate(phi, 1)
                first[way] = time.perf_counter() - begin
                calls[way] = partial(evaluate, phi, STEPS)
            seconds = interleaved(calls, 6, time.process_time)
            peaks = {way: peak_bytes(partial(steps, call)) for way, call in calls.items()}
        for way in WAYS:
            row = {
                "network": case.network,
                "way": way,
                "first_s": round(first[way], 1),
                "ms": round(1e3 * seconds[way] / STEPS, 1),
                "over_plain": round(seconds[way] / seconds["plain"], 3),
                "mib": round(peaks[way] / 2**20, 1),
            }
            print(row, flush=True)
            rows.append(row)
    write_csv(out / "networks_ways.csv", rows)


def evaluate(phi: Layer, count: int) -> None:
    """So many codes and gradients of a random image."""
    for _ in range(count):
        x = torch.randn(1, 3, *SIZE).requires_grad_()
        code = phi(x)
        torch.autograd.grad(code, x, torch.randn_like(code))


def steps(call: Callable[[], object]) -> Callable[[int], object]:
    """Return the argument of `peak_bytes`: a loop, here of one round."""
    return lambda _: call()
