"""`preimage audit codes`: what stored vectors give away about their photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import typer

from preimage.cli.audit_attackers import check_given, leave_out_known, load_attacks, say_alike
from preimage.cli.audit_candidates import find_candidates
from preimage.cli.audit_defenses import plan_defended
from preimage.cli.audit_report import choose_output, exit_if_above, print_audit
from preimage.cli.audit_store import (
    check_photos,
    check_vectors,
    describe_kept,
    read_store,
    recognize_vectors,
)
from preimage.cli.errors import clear_errors
from preimage.cli.options import (
    AsJson,
    Attackers,
    Candidates,
    Column,
    Defenses,
    Device,
    Embeddings,
    FailAbove,
    Judges,
    LimitOfAudit,
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
    Workers,
)
from preimage.cli.parsing import choose_threads, parse_execution, with_changes
from preimage.cli.progress import ProgressBar, announce, progress_bar
from preimage.cli.usage import command_line
from preimage.files import checksum_of, sha256
from preimage.names import unknown

if TYPE_CHECKING:
    from preimage.audit.attacks import Attack
    from preimage.audit.code_cache import CodeCache
    from preimage.audit.photos import Photo
    from preimage.audit.recognition import Recognition
    from preimage.audit.reconstructions import AttackRun, Case, Reconstruction
    from preimage.audit.result import Audit
    from preimage.audit.truth import Truth
    from preimage.audit.vectors import Vectors
    from preimage.networks import Network
    from preimage.representations.base import Representation
    from preimage.settings import Settings

    _Made: TypeAlias = dict[str, list[Reconstruction]]


def codes(
    context: typer.Context,
    embeddings: Embeddings,
    rep: OneRep,
    weights: Weights = None,
    column: Column = None,
    sample: Sample = 8,
    seed: Seed = 0,
    reference: ReferenceOfVectors = None,
    limit: LimitOfAudit = None,
    projection: ProjectionFile = None,
    candidates: Candidates = None,
    attacker: Attackers = None,
    defend: Defenses = None,
    quality: Quality = None,
    steps: Steps = None,
    judge: Judges = None,
    fail_above: FailAbove = None,
    as_json: AsJson = False,
    out: OutFolder = Path("audit"),
    device: Device = "cpu",
    workers: Workers = None,
    threads: Threads = None,
) -> None:
    """Say what was done to stored vectors, and what they give away of their photos.

    Up to 256 vectors are compared with codes of reference photos. If the representation names
    steps, such as 'NETWORK/LAYER|unit', they are taken as true. Then codes of up to 24 of these
    photos (--limit) go through the same steps and are attacked, as are the vectors of the sample.
    With --defend, some of the photos are attacked under defenses, too, in quality draft by default.
    With --fail-above, the exit status is 3 if a measure is shown to be above the value.
    """
    from preimage.audit.attacks import Inversion
    from preimage.audit.thresholds import parse_thresholds
    from preimage.reporting.results import check_folder

    with clear_errors(lambda: describe_kept(out)), progress_bar() as bar:
        check_folder(out)
        thresholds = parse_thresholds(fail_above or (), has_judge=bool(judge))
        check_given(attacker or (), candidates or (), defend or ())
        say = choose_output(as_json)
        execution = parse_execution("auto", None, device, threads)
        check_photos(reference, limit, seed)
        vectors, seen = read_store(embeddings, column, sample, seed, say)
        layer, judges = _load(rep, weights, judge or (), vectors, projection)
        settings = with_changes(choose_quality(layer, quality), steps, None)
        cache = _open_cache(out, layer, threads)
        found = recognize_vectors(seen, layer, reference, projection, cache, bar, say)
        say("\n  ".join((str(found), *found.evidence)))
        about = _describe_call(context, embeddings, column, seed)
        about |= {"steps": settings.evaluations(layer), "usual_steps": _usual_steps(layer, quality)}
        if candidates:
            about |= find_candidates(
                (embeddings, column), found, candidates, reference, cache, out, bar, say
            )
        processes = choose_workers(workers, threads, device)
        inversion = Inversion(settings, device=device, execution=execution, workers=processes)
        attacks = load_attacks(found.representation, attacker, inversion, cache, bar)
        runs = [_prepare(one, settings, found, weights, seed, out) for one in attacks]
        measured = leave_out_known(attacks, reference, say)
        truth = _encode_truth(found, vectors, check_photos(measured, limit, seed))
        say_alike(attacks, found.representation, truth.paths, cache, say)
        drafts = with_changes(choose_quality(layer, quality or "draft"), steps, None)
        draft = _prepare(replace(inversion, settings=drafts), drafts, found, weights, seed, out)
        plan = plan_defended(defend or (), draft, truth, (found, seen), limit, quality or "draft")
        audit, written = _audit(runs, truth, (vectors, found), judges, about, processes, bar)
        if defend:
            audit, more = plan.add_to(audit, out, judges, processes, bar)
            written = list(dict.fromkeys([*written, *more]))
    print_audit(audit, as_json=as_json)
    say(f"wrote {', '.join(map(str, written))}")
    exit_if_above(audit, thresholds)


def _describe_call(
    context: typer.Context, embeddings: Path, column: str | None, seed: int
) -> dict[str, Any]:
    """Return the command and its input as plain data."""
    return {
        "command": command_line(context),
        "input": str(embeddings),
        "column": column,
        "seed": seed,
    }


def _load(
    rep: str,
    weights: str | None,
    judge: Sequence[str],
    vectors: Vectors,
    projection: Path | None,
) -> tuple[Representation, list[Network]]:
    """Return a layer, whose codes vectors can be, and the judges, none of which is its network."""
    from preimage import catalog
    from preimage.audit.independence import check_independent

    layer = catalog.representation(rep, weights)
    check_vectors(vectors, layer, weights, projection)
    judges = [catalog.network(name) for name in judge]
    check_independent(judges, layer.network_module)
    return layer, judges


def _open_cache(out: Path, layer: Representation, threads: int | None) -> CodeCache:
    """Return the codes of the folder of an audit.

    torch has the number of threads from then on: by default that of an earlier run in the folder,
    or else the faster one for codes of the layer.
    """
    import torch

    from preimage.audit.code_cache import CodeCache

    cache = CodeCache(out, threads)
    choose_threads(layer, threads or cache.kept_threads())
    cache.keep_threads(torch.get_num_threads())
    return cache


def _prepare(
    attack: Attack,
    settings: Settings,
    found: Recognition,
    weights: str | None,
    seed: int,
    out: Path,
) -> AttackRun:
    """Return an attack with all that its results depend on."""
    from preimage.audit.own_photos import attacker_checksum
    from preimage.audit.reconstructions import AttackRun
    from preimage.studies.trial import weights_checksum

    phi = found.representation
    about = {"settings": asdict(settings), "weights": weights}
    about["weights_sha256"] = weights_checksum(phi.name, weights)
    if (checksum := attacker_checksum(attack)) is not None:
        about["attacker_sha256"] = checksum
    return AttackRun(attack, phi, out, about, seed)


def choose_quality(phi: Representation, quality: str | None) -> Settings:
    """Return the settings of a quality; raise ValueError if there is no such one."""
    from preimage.presets import QUALITIES, settings_for

    if quality is not None and quality not in QUALITIES:
        raise ValueError(unknown("quality", quality, QUALITIES))
    return settings_for(phi, quality or "fast")


def _usual_steps(layer: Representation, quality: str | None) -> int:
    """Return the steps of a quality, or of the default one if that has fewer."""
    return min(choose_quality(layer, name).evaluations(layer) for name in (quality, None))


def choose_workers(workers: int | None, threads: int | None, device: str) -> int:
    """Return the number of processes: by default one for each core, unless threads are named."""
    from preimage.workers import count_cores

    if workers is not None:
        return workers
    return count_cores() if device == "cpu" and threads is None else 1


def _list_cases(vectors: Vectors, recognition: Recognition, source: str) -> list[Case]:
    """Return the stored vectors as codes to attack."""
    from preimage.audit.reconstructions import Case

    found = recognition.codes(vectors.values)
    return [
        Case(f"row-{row}", found[[n]], f"{source}, row {row}", vectors.labels.get(row, ""))
        for n, row in enumerate(vectors.rows)
    ]


def _encode_truth(recognition: Recognition, vectors: Vectors, paths: Sequence[Path]) -> Truth:
    """Return the photos whose codes are attacked."""
    from preimage.audit.truth import encode_photos, size_of_images

    shape = tuple(recognition.codes(vectors.values[:1]).shape[1:])
    return encode_photos(paths, recognition, size_of_images(recognition.representation, shape))


def _audit(
    runs: Sequence[AttackRun],
    truth: Truth,
    store: tuple[Vectors, Recognition],
    judges: Sequence[Network],
    about: Mapping[str, Any],
    batch: int,
    bar: ProgressBar,
) -> tuple[Audit, list[Path]]:
    """Carry out an audit; return the result, and the files written."""
    from preimage.audit import decoder
    from preimage.audit.photos import keep_photos
    from preimage.reporting.audit_page import write_page
    from preimage.reporting.stored import describe_store, write_result

    folder = runs[0].folder
    files = [(path.name, sha256(path)) for path in truth.paths]
    photos = keep_photos(folder, truth.pictures, files)
    cases = _list_cases(*store, str(about["input"]))
    made, rows, written = _attack_all(runs, truth, cases, batch, bar)
    more = {**about, **runs[0].about, "store": describe_store(*store, rows)}
    more["input_sha256"] = checksum_of(Path(str(about["input"])))
    more["parameters_sha256"] = decoder.checksum_of(runs[0].representation)
    audit = _measure(runs, truth, photos, (made, rows), judges, more)
    written += write_result(folder, audit)
    return audit, [write_page(folder, audit), *written]


def _attack_all(
    runs: Sequence[AttackRun], truth: Truth, stored: Sequence[Case], batch: int, bar: ProgressBar
) -> tuple[_Made, _Made, list[Path]]:
    """Attack codes of photos and of the store; return the results by attack, and the files written.

    After Ctrl-C, what is done is written, too.
    """
    from preimage.reporting.stored import write_photos, write_rows

    _announce(runs, [*truth.cases, *stored], batch)
    made: _Made = {run.attack.name: [] for run in runs}
    rows: _Made = {run.attack.name: [] for run in runs}
    written: list[Path] = []
    try:
        for cases, results in ((truth.cases, made), (stored, rows)):
            for run in runs:
                for start in range(0, len(cases), batch):
                    part = cases[start : start + batch]
                    words = f"{run.attack.name}, {part[0].name}, {start + 1} of {len(cases)}"
                    results[run.attack.name] += run.reconstruct(part, bar.for_steps(words))
    finally:
        folder = runs[0].folder
        names = [path.name for path in truth.paths]
        written += write_photos(folder, truth.pictures, names, made) if any(made.values()) else []
        labels = {case.name: case.label for case in stored}
        written += write_rows(folder, rows, labels) if any(rows.values()) else []
    return made, rows, written


def _announce(runs: Sequence[AttackRun], cases: Sequence[Case], batch: int) -> None:
    """Print the time that the attacks will take."""
    seconds, names = 0.0, set[str]()
    for run in runs:
        left = [case for case in cases if run.find(case) is None]
        names.update(case.name for case in left)
        if left:
            seconds += run.estimate_seconds(left[0]) * -(-len(left) // batch)
    of_all = "" if len(names) == len(cases) else f" of {len(cases)}"
    announce(seconds, f"{len(names)}{of_all} codes", "--limit or --sample")


def _list_left_out(about: Mapping[str, Any]) -> list[str]:
    """Return why candidates were not looked for; empty if they were, or none were given."""
    return [str(about["candidates_left_out"])] if "candidates_left_out" in about else []


def _measure(
    runs: Sequence[AttackRun],
    truth: Truth,
    photos: Sequence[Photo],
    found: tuple[_Made, _Made],
    judges: Sequence[Network],
    about: Mapping[str, Any],
) -> Audit:
    """Return the result of the audit."""
    from preimage.audit.likeness import Gallery
    from preimage.audit.result import (
        FEWEST_ROWS,
        Attacked,
        Audit,
        compare_errors,
        find_limits,
        measure_layer,
    )
    from preimage.versions import versions, when_and_where

    (made, rows), seed = found, runs[0].seed
    attacked = []
    for attack in (run.attack for run in runs):
        pictures, files, errors = zip(
            *((one.picture, one.file, one.error) for one in made[attack.name]), strict=True
        )
        attacked.append(Attacked(attack.name, attack.knowledge, pictures, files, errors))
    gallery = Gallery(truth.pictures, judges)
    first, name = runs[0].attack.name, runs[0].representation.name
    of_rows, of_photos = ([one.error for one in group[first]] for group in (rows, made))
    return Audit(
        layers=(measure_layer(name, photos, gallery, attacked, seed),),
        photos=tuple(path.name for path in truth.paths),
        judges=tuple(one.name for one in judges),
        warnings=(*find_limits(len(truth.paths), len(judges)), *_list_left_out(about)),
        comparison=compare_errors(of_rows, of_photos, seed)
        if len(of_rows) >= FEWEST_ROWS
        else None,
        about={**about, "versions": versions(), "made": when_and_where()},
    )
