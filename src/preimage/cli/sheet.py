"""`preimage sheet`: one page for a lecture, of what representations keep of a photo."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

from preimage.cli.errors import clear_errors
from preimage.cli.options import (
    DryRun,
    Layers,
    NetworkOfSheet,
    OutSheet,
    PhotoArgument,
    Seed,
    Steps,
    StoreOfSite,
    Weights,
)
from preimage.cli.run_options import RunOptions, with_run_options


@with_run_options
def sheet(
    photo: PhotoArgument,
    *,
    out: OutSheet = Path("sheet.html"),
    network: NetworkOfSheet = "efficientnet-lite0",
    layers: Layers = None,
    weights: Weights = None,
    steps: Steps = None,
    seed: Seed = 0,
    store: StoreOfSite = None,
    dry_run: DryRun = False,
    run: RunOptions,
) -> None:
    """Make one page of what HOG, HOGb, dense SIFT and layers of a network keep of a photo.

    Without --layers, five are chosen evenly by depth. A page in HTML also has a film of every
    inversion. Run it again to go on after a stop, or for a page of another kind: no picture is
    computed twice.
    """
    from preimage.cli.parsing import choose_layers
    from preimage.cli.plan import print_left
    from preimage.cli.running import carry_out, finish
    from preimage.decoding import decode
    from preimage.reporting.sheet import check_sheet, gather, write_sheet
    from preimage.reporting.sheet import plan as planning
    from preimage.studies.loader import Loader

    start = time.process_time()
    with clear_errors():
        check_sheet(out)
        decode(photo)  # raises if it is no photo
        loader = Loader()
        loaded = loader.network(network, weights)
        names = choose_layers(loaded, layers, planning.choose_layers)
        trials = planning.plan_sheet(photo, names, loader, weights=weights, steps=steps, seed=seed)
        folder = store or out.absolute().with_name(f"{out.stem}-store")
        print_left(trials, folder, run, start)
        if dry_run:
            return
        run = dataclasses.replace(run, film=True)
        records = carry_out(folder, f"sheet of {photo.name}", trials, run)
        write_sheet(out, gather(records, loader, loaded))
        finish(records, [out])
