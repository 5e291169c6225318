"""`preimage audit codes`: vectors are recognized and inverted, with one clear line if not."""

import csv
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.runner import run, save_photo, unless_given
from tests.judges import JUDGE

import preimage
from preimage import invert
from preimage.audit import attacks, code_cache
from preimage.audit.reference import Reference, encode_crops, encode_reference
from preimage.audit.verdict import NO_PROOF
from preimage.cli import progress
from preimage.photo_files import photo_paths
from preimage.representations import threads

NETWORK = """
import torch
from torch import nn

class Mean(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))

def make():
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 24, 5, stride=2), nn.ReLU(), nn.Conv2d(24, 96, 3), nn.ReLU(), Mean()]
    return nn.Sequential(*layers), {"size": (24, 24), "mean": (120,) * 3, "std": (60,)}
"""
WHOLE = """
from torch import nn

def make():
    layers = [nn.AvgPool2d(2), nn.Flatten()]
    return nn.Sequential(*layers), {"size": (48, 48), "mean": (120,) * 3, "std": (60,)}
"""
REP = "import:storednet.make/4"
FEW = ("--sample", "2", "--limit", "4", "--steps", "3", "--threads", "1")


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Codes of crops of photos; the current folder has the network."""
    monkeypatch.chdir(tmp_path)
    Path("storednet.py").write_text(NETWORK)
    layer = preimage.representation(REP)
    found: np.ndarray = encode_reference(layer, photo_paths(), crops=40, seed=3).codes[""].numpy()
    return found


def test_vectors_are_named_inverted_and_written(stored: np.ndarray) -> None:
    np.savez("store.npz", vectors=stored / np.linalg.norm(stored, axis=1, keepdims=True))
    outcome = run("audit", "codes", "store.npz", "--rep", REP, *FEW, "--out", "out")
    assert (outcome.status, outcome.errors) == (0, [])
    assert outcome.output[0] == "store.npz: 2 of 40 rows, 96 values each"
    assert outcome.output[1] == "comparing 40 vectors with codes of 96 crops of 9 photos"
    assert outcome.output[2] == f"codes of {REP}, divided by their norm; stored as float32"
    assert f"4 photos were reconstructed from codes of {REP}|unit alone." in outcome.output
    assert any(line.startswith("Verdict: ") for line in outcome.output)
    assert outcome.output[-2] == NO_PROOF
    described = json.loads(Path("out/audit.json").read_text())
    assert described["store"]["recognized"]["transformations"] == ["unit"]
    assert described["store"]["rows"] == 2
    lines = list(csv.DictReader(Path("out/errors.csv").read_text().splitlines()))
    assert len(lines) == 2
    for line in lines:
        sidecar = json.loads(Path("out", line["picture"]).with_suffix(".json").read_text())
        assert sidecar["error"] == pytest.approx(float(line["error"]))
        assert sidecar["input"] == f"store.npz, {line['row'].replace('-', ' ')}"
    for name in ("grid.png", "photos.png", "inversion/photo-4.png"):
        assert Path("out", name).exists()
    assert outcome.output[-1].startswith("wrote out/audit.html, ")
    page = Path("out/audit.html").read_text()
    assert (
        described["command"]
        == f"preimage audit codes store.npz --rep {REP} {' '.join(FEW)} --out out"
    )
    for text in (
        "divided by their norm",
        "row ",
        described["input_sha256"],
        "--threads 1 --out out",
    ):
        assert text in page
    measures = list(csv.DictReader(Path("out/measures.csv").read_text().splitlines()))
    assert {line["measure"] for line in measures} >= {"reidentified", "ssim"}


def test_json_is_all_that_is_printed_and_a_measure_above_its_threshold_ends_with_3(
    stored: np.ndarray,
) -> None:
    """A layer that is the photo itself leaks everything."""
    Path("wholenet.py").write_text(WHOLE)
    layer = preimage.representation("import:wholenet.make/1")
    np.save("whole.npy", encode_reference(layer, photo_paths(), crops=9).codes[""].numpy())
    options = ("--rep", "import:wholenet.make/1", "--sample", "1", "--steps", "30")
    gate = ("--fail-above", "reidentified=0.5", "--judge", JUDGE, "--threads", "1", "--json")
    outcome = run("audit", "codes", "whole.npy", *options, *gate)
    assert outcome.status == 3
    (text,) = outcome.output
    (layer_result,) = json.loads(text)["layers"]
    assert layer_result["verdict"]["words"] == "the very photo, of most photos"
    assert outcome.errors[-1].startswith(
        "import:wholenet.make/1, inversion: re-identified: above 0.5, with at least 0.664"
    )
    weaker = ("--fail-above", "reidentified_hog=0.7", "--threads", "1")
    outcome = run("audit", "codes", "whole.npy", *options, *weaker)
    assert outcome.status == 0
    assert outcome.errors[-1].endswith("nearest by HOG: not shown to be above 0.7, but up to 1")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--judge", "import:storednet.make"), "import:storednet.make is no independent judge"),
        (("--fail-above", "reidentifid=1"), "did you mean 'reidentified'?"),
        (("--attacker", "store.npy"), "store.npy: damaged, or no decoder"),
        (("--candidates", "nowhere"), "nowhere: No such file or directory"),
        (("--limit", "3"), "--limit must be at least 4, not 3"),
        (("--reference", "few"), "an audit needs at least 4 different photos, not 1"),
    ],
)
def test_an_audit_that_would_show_nothing_gets_one_clear_line(
    stored: np.ndarray, options: tuple[str, ...], message: str
) -> None:
    np.save("store.npy", stored)
    Path("few").mkdir()
    save_photo(Path("few/a.png"))
    outcome = run("audit", "codes", "store.npy", "--rep", REP, *unless_given(FEW, options))
    assert outcome.status == 2
    (line,) = outcome.errors
    assert message in line


@pytest.mark.parametrize("option", ["--attacker", "--candidates"])
def test_files_that_do_not_exist_are_named_before_vectors_are_read(
    stored: np.ndarray, option: str
) -> None:
    outcome = run("audit", "codes", "none.npy", "--rep", REP, option, "nowhere")
    assert outcome.errors == ["error: nowhere: No such file or directory"]


def test_steps_that_are_named_are_taken_as_true(stored: np.ndarray) -> None:
    np.save("store.npy", np.round(stored / 0.01).clip(-128, 127).astype(np.int8))
    outcome = run("audit", "codes", "store.npy", "--rep", f"{REP}|int8:0.01", *FEW)
    assert (outcome.status, outcome.errors) == (0, [])
    assert outcome.output[1].endswith("rounded to int8 with scale 0.01; stored as int8")
    assert outcome.output[2] == "  the name of the representation says so; this was not checked"
    page = Path("audit/audit.html").read_text()
    assert "named by whoever ran the audit, and not checked" in page
    assert "recognized by comparison" not in page
    outcome = run(
        "audit", "codes", "store.npy", "--rep", f"{REP}|unit", "--projection", "x.npy", *FEW
    )
    assert outcome.errors == [
        f"error: {REP}|unit names its steps: leave out --projection, or the steps"
    ]


def test_vectors_of_another_network_are_inverted_with_a_warning(stored: np.ndarray) -> None:
    np.save("store.npy", stored[:, np.random.default_rng(0).permutation(96)])
    outcome = run("audit", "codes", "store.npy", "--rep", REP, *FEW)
    assert outcome.status == 0
    assert outcome.output[2] == f"not like codes of {REP}: another network or preprocessing?"


@pytest.mark.parametrize(
    ("length", "options", "message"),
    [
        (97, (), "the vectors have 97 values, but codes of import:storednet.make/4 have 96"),
        (
            12,
            (),
            f"give it with --projection FILE; if they are the first 12 values, name that step: "
            f"--rep '{REP}|first:12'",
        ),
        (2400, (), "layers of import:storednet.make with 2400 values: 0, 1"),
        (12, ("--projection", "axes.npy"), "axes.npy: a matrix of 3 x 95 is for codes of 95"),
        (96, ("--column", "a"), "unknown array 'a'"),
    ],
)
def test_vectors_that_do_not_fit_get_one_clear_line_before_any_photo_is_encoded(
    stored: np.ndarray,
    length: int,
    options: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(code_cache, "encode_crops", None)
    mixed = stored[:, :1] * 0 + np.random.default_rng(0).normal(size=(40, length))
    np.savez("store.npz", vectors=mixed)
    np.save("axes.npy", np.eye(95)[:3])
    outcome = run("audit", "codes", "store.npz", "--rep", REP, *FEW, *options)
    assert outcome.status == 2
    (line,) = outcome.errors
    assert message in line
    assert not Path("audit").exists()


def test_ctrl_c_keeps_what_is_done(stored: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save("store.npy", stored)
    calls = list[int]()

    def interrupted(*arguments: object, **options: object) -> preimage.PreImage:
        calls.append(1)
        found = invert(*arguments, **options)  # type: ignore[arg-type]
        return found if len(calls) < 7 else dataclasses.replace(found, interrupted=True)

    monkeypatch.setattr(attacks, "invert", interrupted)
    options = ("--sample", "5", "--limit", "4", "--steps", "2", "--threads", "1")
    outcome = run("audit", "codes", "store.npy", "--rep", REP, *options)
    assert outcome.status == 130  # after the time of a step, 4 photos and a row
    assert outcome.errors[-1] == (
        "interrupted; kept in audit: 5 reconstructions and codes of photos; another run goes on "
        "from there"
    )
    table = Path("audit/errors.csv").read_text().splitlines()
    assert len(table) == 2
    monkeypatch.setattr(attacks, "invert", invert)
    monkeypatch.setattr(code_cache, "encode_crops", None)  # its codes are kept, too
    monkeypatch.setattr(progress, "is_long", lambda seconds: True)
    outcome = run("audit", "codes", "store.npy", "--rep", REP, *options)
    assert outcome.status == 0
    assert any(line.startswith("4 of 9 codes: about ") for line in outcome.errors)
    again = Path("audit/errors.csv").read_text().splitlines()
    assert len(again) == 6
    assert again[:2] == table


def test_another_run_takes_the_number_of_threads_of_the_first(
    stored: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise codes would have other last bits, and pictures made of them would not be found."""
    np.save("store.npy", stored)
    import torch

    taken = list[int]()
    for faster in (2, 1):
        monkeypatch.setattr(threads, "faster_number", lambda _, faster=faster: faster)
        options = ("--sample", "1", "--limit", "4", "--steps", "2")
        outcome = run("audit", "codes", "store.npy", "--rep", REP, *options)
        assert outcome.status == 0
        taken.append(torch.get_num_threads())
    assert taken == [2, 2]


def test_rows_are_inverted_again_if_the_file_of_a_matrix_has_changed(
    stored: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    axes = np.random.default_rng(0).normal(size=(8, stored.shape[1]))
    np.save("store.npy", stored @ axes.T)
    calls = list[int]()

    def counted(*arguments: object, **options: object) -> preimage.PreImage:
        calls.append(1)
        return invert(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(attacks, "invert", counted)
    for sign, count in ((1, 7), (1, 7), (-1, 14)):  # 4 photos, 2 rows, and the time of a step
        np.save("axes.npy", sign * axes)
        outcome = run("audit", "codes", "store.npy", "--rep", f"{REP}|pca:axes.npy", *FEW)
        assert (outcome.status, len(calls)) == (0, count)


def test_ctrl_c_before_anything_is_finished_keeps_nothing(
    stored: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save("store.npy", stored)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(code_cache, "encode_crops", interrupted)
    outcome = run("audit", "codes", "store.npy", "--rep", REP, *FEW)
    assert outcome.status == 130
    assert outcome.errors[-1] == "interrupted; nothing was finished, so nothing is kept"


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        (lambda codes: codes, "stored as they are: --rep '{}|plain'"),
        (
            lambda codes: codes / np.linalg.norm(codes, axis=1, keepdims=True),
            "divided by their norm: --rep '{}|unit'",
        ),
        (lambda codes: (codes * 9).round().astype(np.int8), "8 bits: --rep '{}|int8:SCALE'"),
    ],
)
def test_a_long_comparison_says_how_it_is_avoided(
    change: Callable[[np.ndarray], np.ndarray],
    advice: str,
    stored: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    np.save("store.npy", change(stored))
    monkeypatch.setattr(progress, "is_long", lambda seconds: True)
    outcome = run("audit", "codes", "store.npy", "--rep", REP, *FEW)
    (line,) = (line for line in outcome.errors if line.startswith("96 crops: about "))
    assert line.endswith(advice.format(REP))


def test_too_few_vectors_for_a_vote_are_compared_with_one_preprocessing(
    stored: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = list[bool]()

    def counted(*arguments: Any, prepared: bool) -> Reference:
        made.append(prepared)
        return encode_crops(*arguments, prepared=prepared)

    monkeypatch.setattr(code_cache, "encode_crops", counted)
    for rows, prepared in ((15, False), (16, True)):
        made.clear()
        np.save("store.npy", stored[:rows])
        outcome = run("audit", "codes", "store.npy", "--rep", REP, *FEW, "--out", f"{rows}")
        assert outcome.status == 0
        assert set(made) == {prepared}
        assert any("too few vectors (15)" in line for line in outcome.output) != prepared


def test_codes_that_are_said_to_be_plain_are_not_compared(
    stored: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save("store.npy", stored)
    monkeypatch.setattr(code_cache, "encode_crops", None)
    outcome = run("audit", "codes", "store.npy", "--rep", f"{REP}|plain", *FEW)
    assert outcome.status == 0
    assert outcome.output[1] == f"codes of {REP}, as they are; stored as float32"


def test_rows_that_are_skipped_are_counted_also_if_the_steps_are_named(stored: np.ndarray) -> None:
    stored[[3, 5]] = np.nan
    np.save("store.npy", stored)
    outcome = run("audit", "codes", "store.npy", "--rep", f"{REP}|unit", *FEW)
    words = "skipped, of 40 rows that were looked at: 2 with NaN or infinite values"
    assert outcome.output[0] == f"store.npy: 2 of 40 rows, 96 values each; {words}"
    assert words in Path("audit/audit.html").read_text()
