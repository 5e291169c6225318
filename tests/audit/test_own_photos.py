"""Attacks by those who have photos: planted codes are answered by the right pictures."""

from pathlib import Path

import pytest
import torch
from torch import nn

from preimage.audit import training
from preimage.audit.attacks import Attack, Inversion, StartedInversion
from preimage.audit.candidate_search import copy_photo
from preimage.audit.decoder import save_decoder
from preimage.audit.own_photos import (
    Decoding,
    NearestPhoto,
    Overlap,
    attacks_with_photos,
    find_overlap,
    known_photos,
)
from preimage.audit.training import begin, train_decoder
from preimage.files import sha256
from preimage.photo_files import photo_paths
from preimage.preprocessing import Preprocessing
from preimage.presets import settings_for
from preimage.representations.layer import Layer
from preimage.representations.transformations import Unit
from preimage.representations.transformed import Transformed

PHOTOS = photo_paths()
PREPROCESSING = Preprocessing(mean=(120.0,) * 3, std=(60.0,), size=(16, 16), resize=18)


@pytest.fixture(scope="module")
def layer() -> Layer:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 5, stride=4), nn.ReLU(), nn.Flatten())
    return Layer(network, "2", PREPROCESSING, name="tiny/2")


@pytest.fixture(scope="module")
def codes(layer: Layer) -> torch.Tensor:
    return layer.encode(torch.stack([PREPROCESSING.load(path) for path in PHOTOS[:3]]))


def test_the_nearest_photo_is_shown_as_the_network_sees_it(
    layer: Layer, codes: torch.Tensor
) -> None:
    attack = NearestPhoto.encode(layer, PHOTOS)
    found = attack.reconstruct(codes + 0.01, layer, seed=0)
    expected = [PREPROCESSING.to_255(PREPROCESSING.load(path)) for path in PHOTOS[:3]]
    torch.testing.assert_close(found, torch.stack(expected))
    with pytest.raises(ValueError, match=r"codes of tiny/2, not of tiny/2\|unit"):
        attack.reconstruct(codes, Transformed(layer, [Unit()]), seed=0)


def test_an_inversion_starts_from_the_pictures_of_another_attack(
    layer: Layer, codes: torch.Tensor
) -> None:
    inversion = Inversion(settings_for(layer).with_steps(10))
    first = NearestPhoto.encode(layer, PHOTOS)
    attack = StartedInversion(first, inversion)
    found = attack.reconstruct(codes, layer, seed=0)
    alone = inversion.reconstruct(codes, layer, seed=0)
    wanted = first.reconstruct(codes, layer, seed=0)
    assert (found - wanted).abs().mean() < 0.7 * (alone - wanted).abs().mean()
    assert torch.equal(attack.reconstruct(codes[[1]], layer, seed=0)[0], found[1])


def test_a_decoder_is_an_attack_alone_and_with_the_code(
    layer: Layer, codes: torch.Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_CROPS", 1)
    trained = train_decoder(layer, PHOTOS)
    save_decoder(tmp_path / "a.pt", trained)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_bytes(PHOTOS[0].read_bytes())
    inversion = Inversion(settings_for(layer).with_steps(20))
    attacks = attacks_with_photos(layer, [tmp_path / "photos", tmp_path / "a.pt"], inversion)
    assert [attack.name for attack in attacks] == [
        "nearest photo", "nearest photo + inversion", "decoder", "decoder + inversion",
    ]  # fmt: skip
    assert "9 photos of their own" in attacks[2].knowledge
    found = [attack.reconstruct(codes, layer, seed=0) for attack in attacks]
    assert all(pictures.shape == (3, 3, 16, 16) for pictures in found)
    assert torch.equal(attacks[3].reconstruct(codes[[1]], layer, seed=0)[0], found[3][1])
    core = [torch.stack([PREPROCESSING.to_core(x) for x in pictures]) for pictures in found[2:]]
    inner = trained.statistics(layer, with_code=False)
    wanted = trained.targets(codes, inner)
    start = inner.encode(torch.zeros(3, 3, 16, 16))
    assert (inner.encode(core[0]) - wanted).norm() < 0.5 * (start - wanted).norm()
    of_codes = [float((layer.encode(x) - codes).norm()) for x in core]
    assert of_codes[1] < 0.8 * of_codes[0]


def test_photos_of_attacks_are_known_and_can_be_left_out(layer: Layer) -> None:
    decoding = Decoding(begin(layer, PHOTOS[:8], 0))
    started = StartedInversion(NearestPhoto.encode(layer, PHOTOS[8:]))
    attacks: list[Attack] = [started, decoding, Inversion()]
    assert known_photos(attacks) == frozenset(map(sha256, PHOTOS))


def test_photos_and_copies_that_an_attacker_has_are_said(
    layer: Layer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_CROPS", 1)
    copy = tmp_path / "copy.jpg"
    copy_photo(PHOTOS[1], 0.8, 85).save(copy, quality=90)
    photos = [PHOTOS[0], copy, PHOTOS[8]]
    of_photos = NearestPhoto.encode(layer, PHOTOS[:8])
    of_decoder = Decoding(train_decoder(layer, PHOTOS[:8]))
    for first in (of_photos, of_decoder):
        found = find_overlap([StartedInversion(first)], layer, photos)
        assert (found.same, found.alike) == ((PHOTOS[0],), (copy,))
    assert find_overlap([Inversion()], layer, photos) == Overlap((), ())
