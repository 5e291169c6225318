"""Run by test_ray in a network namespace: a study on three nodes, one of which is lost.

Prints the numbers of results and of images that differ from those of one process.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path

from tests.studies import images_of, make_trials, save_photos

from preimage.experiments.outcome import Failure, Outcome
from preimage.sweeps.engines import in_process
from preimage.sweeps.ray_engine import ray_actors
from preimage.sweeps.run import Stop, run
from preimage.sweeps.store import Store


def main(folder: Path) -> None:
    """The study on both engines."""
    from ray.cluster_utils import Cluster

    quick = {"health_check_period_ms": 500, "health_check_failure_threshold": 2}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "_system_config": quick})
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    cluster.wait_for_nodes()
    photos = save_photos(folder / "photos", 5)
    names = ["hog", "hogb", "dsift"]
    trials = make_trials(photos, representations=names, loss_weights=[1, 5, 20, 100], steps=30)
    here = functools.partial(in_process, threads=1, device="cpu")
    actors = functools.partial(
        ray_actors, address=cluster.address, workers=3, threads=1, device="cpu", gpus=0
    )
    reported: list[Outcome | Failure] = []

    def lose_a_node(result: Outcome | Failure) -> None:
        reported.append(result)
        if len(reported) == 10:
            cluster.remove_node(nodes[0], allow_graceful=False)

    def ignore(_: Outcome | Failure) -> None:
        pass

    for name, engine, report in (("ray", actors, lose_a_node), ("here", here, ignore)):
        with Store(folder / name, create=True) as store:
            store.plan("a", trials)
            run(store, trials, engine, report=report, stop=Stop())
    images, expected = images_of(folder / "ray"), images_of(folder / "here")
    differing = sum(images.get(name) != data for name, data in expected.items())
    keys = {result.key for result in reported}
    print(len(reported), len(keys), len(images), differing)  # noqa: T201
    cluster.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
