"""`preimage audit codes`: what stored vectors give away about their photos."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from preimage.cli.audit_candidates import find_candidates
from preimage.cli.errors import clear_errors, conclude
from preimage.cli.options import (
    Candidates,
    Column,
    Device,
    Embeddings,
    OneRep,
    OutFolder,
    ProjectionFile,
    Quality,
    ReferenceOfVectors,
    Sample,
    Seed,
    Steps,
    Threads,
    Weights,
)
from preimage.cli.parsing import parse_execution, with_changes
from preimage.cli.progress import ProgressBar, announce, progress_bar
from preimage.files import sha256
from preimage.names import unknown

if TYPE_CHECKING:
    from preimage.audit.recognition import Recognition
    from preimage.audit.vectors import Vectors
    from preimage.reporting.stored import InvertedRow
    from preimage.representations.base import Representation
    from preimage.settings import Settings


def codes(
    embeddings: Embeddings,
    rep: OneRep,
    weights: Weights = None,
    column: Column = None,
    sample: Sample = 64,
    seed: Seed = 0,
    reference: ReferenceOfVectors = None,
    projection: ProjectionFile = None,
    candidates: Candidates = None,
    quality: Quality = None,
    steps: Steps = None,
    out: OutFolder = Path("audit"),
    device: Device = "cpu",
    threads: Threads = None,
) -> None:
    """Say what was done to stored vectors, and invert a sample of them through it.

    Up to 256 vectors, or the whole sample if it is larger, are compared with codes of reference
    photos. If the representation names steps, such as 'NETWORK/LAYER|unit', they are taken as true.
    """
    from preimage import catalog
    from preimage.audit.recognition import ENOUGH
    from preimage.audit.vectors import read_vectors
    from preimage.reporting.results import check_folder
    from preimage.reporting.stored import write_stored
    from preimage.studies.trial import weights_checksum

    with clear_errors(), progress_bar() as bar:
        check_folder(out)
        execution = parse_execution("auto", None, device, threads)
        vectors = read_vectors(embeddings, column=column, sample=sample, seed=seed)
        typer.echo(f"{embeddings}: {vectors}")
        layer = catalog.representation(rep, weights)
        settings = with_changes(choose_quality(layer, quality), steps, None)
        seen = read_vectors(embeddings, column=column, sample=max(sample, ENOUGH), seed=seed)
        found = recognize_vectors(seen, layer, reference, projection, bar)
        for line in (str(found), *(f"  {line}" for line in found.evidence)):
            typer.echo(line)
        about: dict[str, Any] = {"input": str(embeddings), "column": column, "seed": seed}
        if candidates:
            about["candidates"] = find_candidates(
                embeddings, column, found, candidates, reference, out, bar
            )
        phi = found.representation
        options = {"settings": settings, "seeds": [seed], "device": device, "execution": execution}
        source = {"weights": weights, "weights_sha256": weights_checksum(phi.name, weights)}
        source["input"] = str(embeddings)
        rows = list(_invert(vectors, found, source, out, bar, options))
        written = write_stored(out, vectors, found, rows, about)
    mean = sum(row.error for row in rows) / len(rows)
    count = f"{len(rows)} row{'s' if len(rows) > 1 else ''}"
    typer.echo(f"{phi.name}  {count}  mean error {mean:.1%}")
    typer.echo(f"wrote {', '.join(map(str, written))}")
    conclude([], interrupted=rows[-1].interrupted)


def recognize_vectors(
    vectors: Vectors,
    layer: Representation,
    reference: Sequence[Path] | None,
    projection: Path | None,
    bar: ProgressBar,
) -> Recognition:
    """Return what was done to vectors; steps that the representation names are taken as true."""
    from preimage.audit.recognition import as_named, recognize
    from preimage.representations.transformed import Transformed

    if isinstance(layer, Transformed):
        if projection is not None:
            raise ValueError(f"{layer.name} names its steps: leave out --projection, or the steps")
        return as_named(vectors.values, layer)
    file = None if projection is None else str(projection)
    report = bar.for_images(f"reference of {layer.name}")
    return recognize(vectors, layer, reference=reference, projection=file, progress=report)


def choose_quality(phi: Representation, quality: str | None) -> Settings:
    """Return the settings of a quality; raise ValueError if there is no such one."""
    from preimage.presets import QUALITIES, settings_for

    if quality is not None and quality not in QUALITIES:
        raise ValueError(unknown("quality", quality, QUALITIES))
    return settings_for(phi, quality or "fast")


def _invert(
    vectors: Vectors,
    recognition: Recognition,
    source: Mapping[str, str | None],
    out: Path,
    bar: ProgressBar,
    options: Mapping[str, Any],
) -> Iterator[InvertedRow]:
    """Invert vectors one by one, and save each picture with its sidecar; end after Ctrl-C.

    Rows that an earlier run into the same folder has finished are not computed again, if it had the
    same settings, codes, and files of weights and matrices. `source` goes into the sidecars.
    """
    import preimage
    from preimage.reporting.stored import InvertedRow, load_row

    phi, count = recognition.representation, len(vectors.rows)
    codes = recognition.codes(vectors.values)
    seed, settings = options["seeds"][0], asdict(options["settings"])
    same = {"representation": phi.name, "seed": seed, "settings": settings}
    is_first = True
    for n, row in enumerate(vectors.rows):
        checksum = sha256(codes[n].numpy().tobytes())
        about: dict[str, Any] = {
            **source,
            "input": f"{source['input']}, row {row}",
            "sha256": checksum,
        }
        if (known := load_row(out, row, same | about)) is not None:
            yield known
            continue
        report = bar.for_steps(f"row {row}, {n + 1} of {count}")
        result = preimage.invert(phi, codes=codes[[n]], progress=report, **options)
        error = 0.0 if result.error is None else float(result.error)
        picture = result.to_pil()
        inverted = InvertedRow(row, error, result.seconds, picture, result.interrupted)
        result.save(out / inverted.file, **about)
        yield inverted
        if result.interrupted:
            return
        if is_first:
            announce(result.seconds * (count - n - 1), f"{count} vectors", "--sample")
        is_first = False
