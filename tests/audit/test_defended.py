"""Defenses of a layer that is the photo itself: planted leaks and planted safety."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from preimage.audit.attacks import Inversion
from preimage.audit.defended import NO_PROOF, Defended, DefenseResult, measure_defenses, prepare_run
from preimage.audit.defenses import plan_defenses
from preimage.audit.likeness import Gallery
from preimage.audit.reconstructions import AttackRun
from preimage.audit.usefulness import encode_known
from preimage.networks import Network
from preimage.photo_files import photo_paths
from preimage.preprocessing import Preprocessing
from preimage.presets import settings_for

NAMES = ("unit", "noise:50", "rotation", "rotation:known", "average:3")
PHOTOS, SIDE = 9, 24


@pytest.fixture(scope="module")
def defended(tmp_path_factory: pytest.TempPathFactory) -> Defended:
    """What defenses do to thumbnails of the shipped photos."""
    module = nn.Sequential(nn.AvgPool2d(2), nn.Flatten())
    preprocessing = Preprocessing(mean=(120.0,) * 3, std=(60.0,) * 3, size=(SIDE, SIDE))
    phi = Network(module, preprocessing, "small").layer("1")
    photos = photo_paths()
    images = [phi.preprocessing.load(path) for path in photos]
    torch.manual_seed(0)
    codes = torch.cat([phi.encode(image[None]) for image in images])
    attack = Inversion(settings_for(phi, "draft").with_steps(30), workers=1)
    plain = AttackRun(attack, phi, tmp_path_factory.mktemp("audit"), {"settings": 1})
    defenses = plan_defenses(NAMES, phi, codes)
    runs = [prepare_run(plain, defense, codes, PHOTOS) for defense in defenses]
    made = [run.reconstruct(4, lambda name: lambda progress: None) for run in runs]
    assert all(
        Path(run.run.folder, one.file).exists()
        for run, of in zip(runs, made, strict=True)
        for one in of
    )
    gallery = Gallery([phi.preprocessing.to_pil(image) for image in images])
    mixed = [codes[:, torch.randperm(codes.shape[1])] for _ in range(6)]
    known = encode_known(phi, photos, codes, torch.cat(mixed))
    return measure_defenses(runs, made, gallery, known, "draft")


def _result(defended: Defended, name: str) -> DefenseResult:
    return next(one for one in defended.results if one.defense == name)


def _leak(defended: Defended, name: str) -> float:
    names = [one.defense for one in defended.results]
    return defended.leaks[names.index(name)].value


@pytest.mark.parametrize("name", ["none", "unit", "rotation:known"])
def test_the_photo_itself_is_found_in_what_can_be_undone(defended: Defended, name: str) -> None:
    assert _leak(defended, name) == 1
    found = _result(defended, name)
    assert found.verdict.level == "photo"
    assert found.matched.value == 1
    assert found.retrieval.value > 0.6


def test_a_rotation_without_its_key_leaks_nothing_and_stays_useful(defended: Defended) -> None:
    assert _leak(defended, "rotation") < 0.4
    found, plain = _result(defended, "rotation"), _result(defended, "none")
    assert found.verdict.level == "nothing"
    assert found.matched.value < 0.3
    assert [rate.value for rate in found.use] == [rate.value for rate in plain.use]


def test_a_rotation_with_its_key_leaks_as_much_as_plain_vectors(defended: Defended) -> None:
    found, plain = _result(defended, "rotation:known"), _result(defended, "none")
    assert found.errors == pytest.approx(plain.errors, abs=0.02)


def test_much_noise_leaks_nothing_and_is_useless(defended: Defended) -> None:
    assert _leak(defended, "noise:50") < 0.4
    found = _result(defended, "noise:50")
    assert found.verdict.level == "nothing"
    assert found.retrieval.value < 0.4


def test_photos_of_an_average_share_a_picture(defended: Defended) -> None:
    found = _result(defended, "average:3")
    assert len(found.files) == PHOTOS
    assert len(set(found.files)) == 3
    assert set(found.files[:3]) == {"defenses/average-3/inversion/photo-1.png"}
    assert _leak(defended, "average:3") <= 3 / 9


def test_all_is_described_as_plain_data(defended: Defended) -> None:
    described = defended.describe()
    assert (described["attacked"], described["stored"]) == (PHOTOS, 7 * PHOTOS)
    assert described["leak"]["measure"] in {"reidentified_hog", "reidentified_pixels"}
    assert [one["defense"] for one in described["results"]] == ["none", *NAMES]
    assert described["results"][0]["verdict"]["level"] == "photo"
    assert described["no_proof"] == NO_PROOF
