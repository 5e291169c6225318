"""Run by test_ray_engine in a network namespace: a study on three nodes, one of which is lost.

It has inversions, maximizations and caricatures. The weight file of its network is gone once
the driver has read it. Prints the numbers of results, of their keys, of images, of images that
differ from those of one process, and of weight files that were kept.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import torch
from tests.study_files import images_of, make_trials, save_photos

from preimage.catalog import network
from preimage.files import cache_folder
from preimage.studies.outcome import Failure, Outcome
from preimage.sweeps.engines import in_process
from preimage.sweeps.ray_engine import ray_actors
from preimage.sweeps.run import Stop, run
from preimage.sweeps.shipping import Shipment, Shipments
from preimage.sweeps.store import Store


def main(folder: Path) -> None:
    """The study on both engines."""
    import ray
    from ray.cluster_utils import Cluster

    quick = {"health_check_period_ms": 500, "health_check_failure_threshold": 2}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "_system_config": quick})
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    cluster.wait_for_nodes()
    photos = save_photos(folder / "photos", 5)
    names = ["hog", "hogb", "dsift"]
    trials = make_trials(photos, representations=names, loss_weight=[1, 5, 20], steps=30)
    weights = folder / "weights.pth"
    torch.save(network("efficientnet-lite0", weights="random").module.state_dict(), weights)
    layer = {"representations": ["efficientnet-lite0/stem.conv"], "weights": str(weights)}
    small = {"size": (32, 40), "steps": 5}
    trials += make_trials(photos, visualization="maximize", channels="0-9", **layer, **small)
    trials += make_trials(photos, visualization="caricature", **layer, **small)
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

    def pack_and_remove(shipments: Shipments, *names: str | None) -> Shipment | None:
        shipment = pack(shipments, *names)  # type: ignore[arg-type]
        if shipment is not None:
            weights.unlink()
        return shipment

    pack = Shipments._pack
    for name, engine, report in (("here", here, ignore), ("ray", actors, lose_a_node)):
        with Store(folder / name, create=True) as store:
            store.plan("a", trials)
            run(store, trials, engine, report=report, stop=Stop())
        Shipments._pack = pack_and_remove  # type: ignore[method-assign,assignment]
    images, expected = images_of(folder / "ray"), images_of(folder / "here")
    differing = sum(images.get(name) != data for name, data in expected.items())
    keys = {result.key for result in reported}
    kept = len(list((cache_folder() / "shipped").iterdir()))
    print(len(reported), len(keys), len(images), differing, kept)  # noqa: T201
    ray.shutdown()
    cluster.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
