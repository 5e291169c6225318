"""`preimage atlas build`: an estimate, trials, pages; from a network or from a store."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.atlas.sites import TINY, inversion, keep, links, maximization
from tests.cli.runner import run, save_photo, unless_given
from tests.judges import JUDGE
from tests.study_files import count_results
from torch import nn

from preimage.cli import plan
from preimage.extras import install_command
from preimage.studies import worker
from preimage.studies.outcome import Failure
from preimage.studies.trial import Trial
from preimage.sweeps import estimate

SMALL = ("--layers", "conv1", "--channels", "0", "--depths", "1", "--limit", "1", "--steps", "2",
         "--workers", "1")  # fmt: skip


def nameless() -> tuple[nn.Module, dict[str, Any]]:
    """A network without names of classes."""
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 2)), {"size": (4, 4)}


def test_a_dry_run_prints_an_estimate_and_writes_nothing(tmp_path: Path) -> None:
    outcome = run("atlas", "build", TINY, "--out", tmp_path / "site", *SMALL, "--dry-run")
    assert (outcome.status, outcome.errors) == (0, [])
    assert any(re.match(r"3 trials, 3 to do: about .* with 1 worker", x) for x in outcome.output)
    for visualization in ("maximize", "invert", "caricature"):
        assert any(visualization in line for line in outcome.output)
    assert not list(tmp_path.iterdir())


def test_a_network_then_its_store_then_more_channels(tmp_path: Path) -> None:
    site, store = tmp_path / "site", tmp_path / "site-store"
    assert run("atlas", "build", TINY, "--out", site, *SMALL).status == 0
    assert count_results(store) == 3
    outcome = run("atlas", "build", store, "--out", tmp_path / "other")
    assert outcome.status == 0
    files = [{p.relative_to(x) for p in x.rglob("*")} for x in (site, tmp_path / "other")]
    assert files[0] == files[1]
    more = [*SMALL[:3], "0-2", *SMALL[4:]]
    outcome = run("atlas", "build", TINY, "--out", site, *more)
    assert any("5 trials, 2 to do" in line for line in outcome.output)
    assert count_results(store) == 5
    outcome = run("atlas", "build", TINY, "--out", site, *more)
    assert outcome.output[0] == "5 trials, none to do"
    assert " 0 new pictures" in outcome.output[-1]
    assert (next(site.glob("import*/conv1")) / "2.html").exists()


def test_a_descriptor_and_a_network_share_a_site(tmp_path: Path) -> None:
    save_photo(tmp_path / "a.png", 0, (32, 32))
    site = tmp_path / "site"
    assert run("atlas", "build", TINY, "--out", site, *SMALL).status == 0
    options = ("--images", tmp_path / "a.png", "--workers", "1")
    outcome = run("atlas", "build", "hogb", "--out", site, *options)
    assert (outcome.status, outcome.errors) == (0, [])
    home = links(site / "index.html")
    assert "classical/index.html" in home
    assert any(link.startswith("import-tests") for link in home)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--layers", "conv9"), "unknown layer of Sequential 'conv9'"),
        (("--channels", "0-9"), "channel 9 is not among 0-3"),
        (("--judge", "nobody"), "unknown network 'nobody'"),
        (("--judge", "import:tests.cli.test_atlas.nameless"), "has no names of classes"),
        (("--out", "site.html"), "site.html is the name of a file"),
    ],
)
def test_mistakes_are_told_before_any_work(
    tmp_path: Path, options: tuple[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = run("atlas", "build", TINY, *unless_given(("--out", "site", *SMALL), options))
    assert outcome.status == 2
    assert message in outcome.errors[-1]
    assert not (tmp_path / "site").exists()
    assert not (tmp_path / "site-store").exists()


def test_a_store_is_shown_with_the_photos_and_the_judge_of_its_last_atlas(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "gray.png", 0, (32, 32))
    store, named = tmp_path / "site-store", ("--judge", JUDGE, "--reference", photo)
    assert run("atlas", "build", TINY, "--out", tmp_path / "site", *SMALL, *named).status == 0
    outcome = run("atlas", "build", store, "--out", tmp_path / "other")
    assert (outcome.status, outcome.errors) == (0, [])
    pages = [next((tmp_path / s).glob("import*/conv1/0.html")) for s in ("site", "other")]
    assert pages[0].read_text() == pages[1].read_text()
    assert "the photo gray" in pages[0].read_text()
    outcome = run("atlas", "build", store, "--out", tmp_path / "other", "--channels", "0")
    assert outcome.errors[-1].startswith("error: --channels: not for a folder of results")


def test_trials_that_failed_are_counted(tmp_path: Path) -> None:
    failing = maximization("hog")
    with keep(tmp_path / "store", [inversion()]) as store:
        store.plan("b", [failing])
        store.put(Failure(failing.key, "dead unit"))
    outcome = run("atlas", "build", tmp_path / "store", "--out", tmp_path / "site")
    assert outcome.status == 0
    assert outcome.output[0] == "1 of 2 trials failed; the pages of their layers say why"
    assert "dead unit" in (tmp_path / "site/classical/hog/index.html").read_text()


def test_ctrl_c_keeps_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = worker.visualize
    done: list[str] = []

    def visualize(trials: list[Trial], *args: Any, **options: Any) -> Any:
        if len(done) == 2 and options.get("progress") is not None:
            raise KeyboardInterrupt
        done.extend(trial.key for trial in trials)
        return real(trials, *args, **options)

    monkeypatch.setattr(estimate, "measure_costs", lambda *_, **__: ({}, 1.0))
    monkeypatch.setattr(plan, "measure_costs", lambda *_, **__: ({}, 1.0))
    monkeypatch.setattr(worker, "visualize", visualize)
    site = tmp_path / "site"
    outcome = run("atlas", "build", TINY, "--out", site, *SMALL)
    assert outcome.status == 130
    assert "finished results are kept" in outcome.errors[-1]
    assert count_results(tmp_path / "site-store") == 2
    assert not site.exists()
    monkeypatch.setattr(worker, "visualize", real)
    outcome = run("atlas", "build", TINY, "--out", site, *SMALL)
    assert any("3 trials, 1 to do" in line for line in outcome.output)
    assert (site / "index.html").exists()


def test_without_jinja2_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    outcome = run("atlas", "build", TINY, "--out", tmp_path / "site", *SMALL)
    assert outcome.status == 2
    assert f"run: {install_command('atlas')}" in outcome.errors[0]
