"""An engine that carries out batches on a Ray cluster.

Each worker is an actor that keeps its network. Results come back to this process, which alone
writes the store. Photos travel with their batches. A weight file is put into Ray's object store
once; nodes that lack it fetch it from there.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from preimage.extras import install_command
from preimage.files import explain
from preimage.studies.loader import Loader
from preimage.studies.outcome import Failure
from preimage.studies.worker import carry_out
from preimage.sweeps.batches import Batch, Queue
from preimage.sweeps.engines import Results
from preimage.sweeps.shipping import Shipment, Shipments

_MOST_FAILED_STARTS = 20


def ray_actors(
    batches: Iterator[Batch], *, address: str, workers: int, threads: int, device: str, gpus: float
) -> Generator[Results, None, None]:
    """Carry out batches by actors of a Ray cluster, each with `threads` threads.

    The address "auto" stands for the cluster that this machine belongs to; "local" starts one here.
    Each actor takes the share `gpus` of a GPU. Trials of a lost node are tried again without limit.
    Trials whose process died on a node that is still there are tried again; a trial fails once its
    worker has died `DEATHS` times.

    Raises:
        ValueError: if Ray is not installed, or there is no cluster at the address.
    """
    ray = _connect(address)
    actor = ray.remote(num_cpus=threads, num_gpus=gpus, max_restarts=0)(_Actor)
    pool = _Pool(ray, Queue(batches), lambda: actor.remote(threads, device))
    try:
        for _ in range(workers):
            pool.start_worker()
        yield from pool.results()
    finally:
        pool.end()


class _Actor:
    """The process of a worker, with a network of its own."""

    def __init__(self, threads: int, device: str) -> None:
        torch.set_num_threads(threads)
        self._loader = Loader()
        self._device = device

    def node(self) -> str:
        """Return the identity of the node that this worker runs on."""
        import ray

        return str(ray.get_runtime_context().get_node_id())

    def carry_out(self, batch: Batch, shipment: Shipment | None) -> Results:
        """Carry out a batch; its network may need the weight file of the shipment."""
        import ray

        if shipment is not None and (shipment.network, shipment.weights) not in self._loader.files:
            try:
                path = shipment.unpack(ray.get)
            except OSError as error:
                return [Failure(trial.key, explain(error)) for trial in batch.trials]
            self._loader.files[shipment.network, shipment.weights] = path
        return carry_out(batch.trials, batch.photos, self._loader, self._device)


@dataclass(slots=True)
class _Worker:
    """An actor, its node (empty until known), and its batch (None while it has none)."""

    actor: Any
    node: str = ""
    batch: Batch | None = None


class _Pool:
    """The workers of a run, and the queue that they draw from; `ray` is the module."""

    def __init__(self, ray: Any, queue: Queue, start_actor: Callable[[], Any]) -> None:
        self._ray = ray
        self._queue = queue
        self._start_actor = start_actor
        self._shipments = Shipments(ray.put)
        self._idle: list[_Worker] = []
        self._busy: dict[Any, _Worker] = {}
        self._failed_starts = 0

    def start_worker(self) -> None:
        """Start a worker; it becomes idle once its node is known."""
        actor = self._start_actor()
        self._busy[actor.node.remote()] = _Worker(actor)

    def results(self) -> Iterator[Results]:
        """Yield the results of batches until the queue is empty."""
        while True:
            self._assign()
            if self._idle and all(worker.batch is None for worker in self._busy.values()):
                return
            reference = self._ray.wait(list(self._busy), num_returns=1)[0][0]
            worker = self._busy.pop(reference)
            try:
                answer = self._ray.get(reference)
            except self._ray.exceptions.RayError as error:
                yield self._replace(worker, error)
                continue
            if worker.batch is None:
                worker.node = answer
            else:
                yield answer
            worker.batch = None
            self._idle.append(worker)

    def end(self) -> None:
        """Kill all workers."""
        for worker in [*self._idle, *self._busy.values()]:
            with contextlib.suppress(self._ray.exceptions.RayError):
                self._ray.kill(worker.actor)

    def _assign(self) -> None:
        """Give a batch to each idle worker, as long as there are batches."""
        while self._idle and (batch := self._queue.next()) is not None:
            worker = self._idle.pop()
            worker.batch = batch
            shipment = self._shipments.shipment_for(batch.trials[0])
            self._busy[worker.actor.carry_out.remote(batch, shipment)] = worker

    def _replace(self, worker: _Worker, error: Exception) -> Results:
        """Replace a lost worker; return failures of trials at which too many workers died."""
        failures: Results = []
        if worker.batch is None:
            self._failed_starts += 1
            if self._failed_starts > _MOST_FAILED_STARTS:
                raise ValueError(f"workers do not start: {error}") from None
        elif any(n["Alive"] and n["NodeID"] == worker.node for n in self._ray.nodes()):
            failures = self._queue.died(worker.batch, type(error).__name__)
        else:
            self._queue.put_back(worker.batch)
        self.start_worker()
        return failures


def _connect(address: str) -> Any:
    """Join a cluster, and return the module `ray`."""
    try:
        import ray
    except ModuleNotFoundError:
        raise ValueError(f"a cluster needs Ray: {install_command('ray')}") from None
    host, separator, port = address.rpartition(":")
    try:
        if separator and port.isdecimal():  # Ray itself would try for minutes
            socket.create_connection((host.removeprefix("ray://"), int(port)), 10).close()
        if not ray.is_initialized():
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError) as error:  # ConnectionError is an OSError
        reason = str(error).splitlines()[0]
        raise ValueError(f"no Ray cluster at {address}: {reason}") from None
    return ray
