"""Batches carried out on a Ray cluster.

Every worker is an actor that keeps its network. Results come back to this process, which
alone writes the store. Photos travel with their batches; a weight file is put into Ray's
object store once, from where nodes that lack it take it.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from preimage.studies.loading import Loader
from preimage.studies.outcome import Failure
from preimage.studies.worker import carry_out
from preimage.sweeps.batches import Batch
from preimage.sweeps.engines import Results
from preimage.sweeps.retries import Queue
from preimage.sweeps.shipping import Shipment, Warehouse

_STARTS = 20


@dataclass(slots=True)
class _Hired:
    """An actor, the node it runs on, and its batch, if it has one."""

    actor: Any
    batch: Batch | None = None
    node: str = ""


def ray_actors(
    batches: Iterator[Batch],
    *,
    address: str,
    workers: int,
    threads: int,
    device: str,
    gpus: float,
) -> Iterator[Results]:
    """Carries out batches by actors of a Ray cluster.

    Trials of a node that is lost are tried again without limit, those whose process died
    on a node that lives until they have cost `retries.DEATHS` workers.

    Args:
        batches: drawn when an actor is free.
        address: of the cluster, "auto" for the one this machine belongs to, "local" for one
            that is started here.
        workers: the number of actors.
        threads: of each.
        device: where each computes.
        gpus: the share of a GPU that each takes.

    Raises:
        ValueError: if Ray is not installed, or there is no cluster at the address.
    """
    ray = _connect(address)
    queue = Queue(batches)
    actor = ray.remote(num_cpus=threads, num_gpus=gpus, max_restarts=0)(_Actor)
    warehouse = Warehouse(ray.put)
    failed_starts = 0

    def hire() -> None:
        hired = _Hired(actor.remote(threads, device))
        busy[hired.actor.node.remote()] = hired

    busy: dict[Any, _Hired] = {}
    idle: list[_Hired] = []
    try:
        for _ in range(workers):
            hire()
        while True:
            while idle and (batch := queue.next()) is not None:
                hired = idle.pop()
                hired.batch = batch
                shipment = warehouse.shipment_for(batch.trials[0])
                busy[hired.actor.carry_out.remote(batch, shipment)] = hired
            if idle and all(hired.batch is None for hired in busy.values()):
                return
            reference = ray.wait(list(busy), num_returns=1)[0][0]
            hired = busy.pop(reference)
            try:
                result = ray.get(reference)
            except ray.exceptions.RayError as error:
                if hired.batch is not None:
                    yield _lost(ray, queue, hired, hired.batch, error)
                elif (failed_starts := failed_starts + 1) > _STARTS:
                    raise ValueError(f"workers do not start: {error}") from None
                hire()
                continue
            if hired.batch is None:
                hired.node = result
            else:
                yield result
            hired.batch = None
            idle.append(hired)
    finally:
        for hired in [*idle, *busy.values()]:
            with contextlib.suppress(ray.exceptions.RayError):
                ray.kill(hired.actor)


class _Actor:
    """Carries out batches on a node, with a network of its own."""

    def __init__(self, threads: int, device: str) -> None:
        torch.set_num_threads(threads)
        self._loader = Loader()
        self._device = device

    def node(self) -> str:
        """The node it runs on."""
        import ray

        return str(ray.get_runtime_context().get_node_id())

    def carry_out(self, batch: Batch, shipment: Shipment | None) -> Results:
        """Results of a batch, whose network may need a file that was shipped."""
        import ray

        if shipment is not None and (shipment.model, shipment.weights) not in self._loader.files:
            try:
                path = shipment.unpack(ray.get)
            except OSError as error:
                reason = f"{error.filename}: {error.strerror}"
                return [Failure(trial.key, reason) for trial in batch.trials]
            self._loader.files[shipment.model, shipment.weights] = path
        return carry_out(batch.trials, batch.photos, self._loader, self._device)


def _lost(ray: Any, queue: Queue, hired: _Hired, batch: Batch, error: Exception) -> Results:
    """Puts the batch of a lost actor up again; failures once it has cost too many."""
    alive = {node["NodeID"] for node in ray.nodes() if node["Alive"]}
    if hired.node in alive:
        return queue.died(batch, type(error).__name__)
    queue.put_back(batch)
    return []


def _connect(address: str) -> Any:
    try:
        import ray
    except ModuleNotFoundError:
        raise ValueError('a cluster needs Ray: pip install "preimage[ray]"') from None
    host, separator, port = address.rpartition(":")
    try:
        if separator and port.isdecimal():  # Ray itself would try for minutes
            socket.create_connection((host.removeprefix("ray://"), int(port)), 10).close()
        if not ray.is_initialized():
            ray.init(address, log_to_driver=False, logging_level="ERROR")
    except (OSError, ValueError) as error:  # ConnectionError is an OSError
        reason = str(error).splitlines()[0]
        raise ValueError(f"no Ray cluster at {address}: {reason}") from None
    return ray
