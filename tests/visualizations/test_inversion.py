"""`invert`: what it takes, what it returns, how it stops, what it refuses."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from tests.support import known, random_image
from torch import Tensor

from preimage.catalog import representation
from preimage.decoding import ImageLike
from preimage.images import load_image
from preimage.losses import relative_error
from preimage.optimizer import NonFiniteEnergyError, Progress
from preimage.photo_files import shipped_photos
from preimage.preprocessing import GRAY
from preimage.presets import CLASSICAL_QUALITIES, NNPREIMAGE, PAPER
from preimage.representations.dsift import DSIFT
from preimage.representations.hog import HOG
from preimage.settings import Settings
from preimage.visualizations import invert

CHELSEA = shipped_photos()["chelsea"]
SHORT = NNPREIMAGE.replace(iterations=8)
STRIPES = np.random.default_rng(0).random((40, 48)) > 0.5


def test_every_kind_of_image_gives_the_same_result(tmp_path: Path) -> None:
    bytes_ = STRIPES.astype(np.uint8) * 255
    Image.fromarray(bytes_).save(tmp_path / "stripes.png")
    sources: list[ImageLike] = [
        tmp_path / "stripes.png",
        str(tmp_path / "stripes.png"),
        io.BytesIO((tmp_path / "stripes.png").read_bytes()),
        Image.fromarray(bytes_),
        bytes_,
        STRIPES,
        STRIPES.astype(np.float64),
        np.dstack([bytes_] * 3),
        torch.from_numpy(bytes_),
        torch.from_numpy(STRIPES.astype(np.float32))[None],
    ]
    expected = invert(HOG(), sources[0], settings=SHORT)
    assert expected.images.shape == (1, 1, 40, 48)
    for source in sources[1:]:
        result = invert(HOG(), source, settings=SHORT)
        assert torch.equal(result.images, expected.images)


def test_results_are_ordered_by_source_then_loss_weight_then_seed() -> None:
    photos = list(shipped_photos().values())[:2]
    result = invert(
        HOG(), photos, size=(32, 40), seeds=(5, 3), loss_weight=(20, 1.5), settings=SHORT
    )
    assert len(result) == 8
    assert result.images.shape == (8, 1, 32, 40)
    assert result.codes.shape == (8, 27, 4, 5)
    assert result.sources == (0, 0, 0, 0, 1, 1, 1, 1)
    assert result.loss_weights == (20, 20, 1.5, 1.5) * 2
    assert result.seeds == (5, 3) * 4
    assert result.settings == SHORT
    assert result.trace.total.shape == (8, 8)
    assert result.trace.loss_weight.tolist() == [20, 20, 1.5, 1.5] * 2


def test_codes_and_errors_are_those_of_the_returned_images() -> None:
    result = invert(HOG(), CHELSEA, size=(48, 64), seeds=(0, 1), settings=SHORT)
    target = HOG()(GRAY.load(CHELSEA, (48, 64))[None])
    assert torch.equal(result.codes, HOG()(result.images))
    assert torch.equal(
        known(result.error), relative_error(result.codes, target.expand(2, -1, -1, -1))
    )


def test_psnr_and_ssim_are_those_of_scikit_image_with_the_contrast_granted() -> None:
    result = invert(HOG(bilinear=True), CHELSEA, size=(48, 64), settings=SHORT)
    original = (GRAY.load(CHELSEA, (48, 64))[0] + 127.5).double().numpy()
    found = result.images[0, 0].double().numpy()
    gain, offset = np.polyfit(found.ravel(), original.ravel(), 1)
    found = gain * found + offset
    expected = structural_similarity(
        found, original, data_range=255, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False,
    )  # fmt: skip
    assert result.psnr is not None
    assert result.ssim is not None
    assert result.ssim.item() == pytest.approx(expected, rel=1e-4)
    expected = peak_signal_noise_ratio(original, found, data_range=255)
    assert result.psnr.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("name", "reached"), [("hog", 0.36), ("hogb", 0.09), ("dsift", 0.05)])
def test_the_error_comes_down_to_what_was_measured(name: str, reached: float) -> None:
    result = invert(representation(name), CHELSEA, size=(96, 128), settings=NNPREIMAGE)
    assert known(result.error).item() < reached
    total = result.trace.total[:, 0]
    assert total.shape == (300,)
    assert total[-1] < 0.2 * total[0]


def test_as_printed_the_learning_rate_is_too_small_to_get_there() -> None:
    result = invert(HOG(), CHELSEA, size=(96, 128), settings=PAPER)
    assert known(result.error).item() > 0.7


@pytest.mark.parametrize("name", ["hog", "hogb", "dsift"])
def test_the_same_call_gives_the_same_bits(name: str) -> None:
    settings = NNPREIMAGE.replace(iterations=30, jitter=3)
    phi = representation(name)
    first, second = (
        invert(phi, CHELSEA, size=(57, 83), seeds=(0, 9), settings=settings) for _ in range(2)
    )
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.trace.total, second.trace.total)
    assert not torch.equal(first.images[0], first.images[1])


@pytest.mark.parametrize(
    "settings", [NNPREIMAGE, CLASSICAL_QUALITIES["fast"]], ids=lambda s: s.solver.name
)
@pytest.mark.parametrize("name", ["hog", "hogb", "dsift"])
def test_an_image_alone_and_in_a_batch_of_5_gives_the_same_bits_after_all_steps(
    name: str, settings: Settings
) -> None:
    # At 57 x 83 the images and codes of a batch start at every alignment in memory.
    phi, photos = representation(name), list(shipped_photos().values())[:5]
    batch = invert(phi, photos, size=(57, 83), settings=settings)
    for index in (0, 3):
        alone = invert(phi, photos[index], size=(57, 83), settings=settings)
        assert torch.equal(alone.images[0], batch.images[index])
        assert known(alone.error)[0] == known(batch.error)[index]


@pytest.mark.parametrize("jitter", [1, 3])
@pytest.mark.parametrize("name", ["hog", "hogb", "dsift"])
def test_seeds_and_loss_weights_in_one_batch_give_the_bits_of_single_runs(
    name: str, jitter: int
) -> None:
    # At 57 x 83 the images and codes of a batch start at every alignment in memory.
    phi, photos = representation(name), list(shipped_photos().values())[:2]
    settings = NNPREIMAGE.replace(iterations=25, final_iterations=5, jitter=jitter)
    batch = invert(
        phi, photos, size=(57, 83), seeds=(0, 5), loss_weight=(20, 100), settings=settings
    )
    for index in range(len(batch)):
        alone = invert(
            phi,
            photos[batch.sources[index]],
            size=(57, 83),
            seeds=[batch.seeds[index]],
            loss_weight=batch.loss_weights[index],
            settings=settings,
        )
        assert torch.equal(alone.images[0], batch.images[index])
        assert known(alone.error)[0] == known(batch.error)[index]
        assert torch.equal(alone.trace.total[:, 0], batch.trace.total[:, index])


@pytest.mark.parametrize("phi", [HOG(), DSIFT()], ids=["hog", "dsift"])
def test_a_code_alone_gives_what_its_image_gives(phi: HOG | DSIFT) -> None:
    from_image = invert(phi, CHELSEA, size=(60, 77), settings=SHORT)
    with torch.no_grad():
        code = phi(GRAY.load(CHELSEA, (60, 77))[None])
    for codes in (code, code[0], code.numpy(), code[0].numpy(), code.double()):
        result = invert(phi, codes=codes, size=(60, 77), settings=SHORT)
        assert torch.equal(result.images, from_image.images)
        assert torch.equal(known(result.error), known(from_image.error))
        assert result.psnr is None
        assert result.ssim is None


def test_without_a_size_it_is_derived_from_the_code() -> None:
    for phi, shape, size in ((HOG(), (27, 5, 4), (40, 32)), (DSIFT(), (128, 2, 3), (49, 73))):
        codes = torch.rand(2, *shape)
        result = invert(phi, codes=codes, settings=SHORT)
        assert result.images.shape == (2, 1, *size)
        assert result.codes.shape == codes.shape


def test_with_a_code_a_number_is_the_side_of_a_square() -> None:
    result = invert(HOG(), codes=torch.rand(27, 4, 4), size=34, settings=SHORT)
    assert result.images.shape == (1, 1, 34, 34)


def test_where_the_mask_is_zero_the_code_does_not_count() -> None:
    mask = torch.ones(6, 8)
    mask[:, 4:] = 0
    settings = NNPREIMAGE.replace(iterations=100)
    target = HOG()(GRAY.load(CHELSEA, (48, 64))[None])
    changed = target.clone()
    changed[..., 4:] = torch.rand(27, 6, 4)
    result = invert(HOG(), codes=target, mask=mask, settings=settings)
    other = invert(HOG(), codes=changed, mask=mask, settings=settings)
    assert torch.equal(result.images, other.images)
    torch.testing.assert_close(known(result.error), relative_error(result.codes, target, mask))
    assert known(result.error) < 0.5 < relative_error(result.codes, target)
    kept, left = result.images[..., :24], result.images[..., 40:]
    assert left.diff(dim=-1).square().mean() < 0.1 * kept.diff(dim=-1).square().mean()


def test_the_seed_alone_decides_the_noise_and_no_global_generator_is_touched() -> None:
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    still = NNPREIMAGE.replace(iterations=0)
    first = invert(HOG(), CHELSEA, size=(32, 32), seeds=(0, 1), settings=still)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(2)
    second = invert(HOG(), STRIPES[:32, :32], seeds=(1, 0), settings=still)
    assert torch.equal(first.images, second.images.flip(0))


@pytest.mark.parametrize("jitter", [1, 4])
def test_an_interruption_returns_the_images_reached_with_a_flag(jitter: int) -> None:
    settings = NNPREIMAGE.replace(iterations=8, jitter=jitter)
    seen: list[Tensor] = []

    def report(progress: Progress) -> None:
        seen.append(progress.images.clone())
        if progress.step == 5:
            raise KeyboardInterrupt

    result = invert(HOG(), CHELSEA, size=(32, 40), settings=settings, progress=report)
    assert result.interrupted
    assert result.images.shape == (1, 1, 32, 40)
    assert result.trace.total.shape == (5, 1)
    margin = (jitter - 1) // 2
    window = seen[-1][..., margin : margin + 32, margin : margin + 40]
    assert torch.equal(result.images, window)
    assert torch.equal(result.codes, HOG()(result.images))
    assert not invert(HOG(), CHELSEA, size=(32, 40), settings=settings).interrupted


def test_snapshots_are_kept_when_asked_for() -> None:
    settings = NNPREIMAGE.replace(iterations=7, final_iterations=3, jitter=2)
    result = invert(
        HOG(), CHELSEA, size=(32, 40), seeds=(0, 1), settings=settings, snapshot_every=4
    )
    assert [step for step, _ in result.snapshots] == [4, 8]
    assert {images.shape for _, images in result.snapshots} == {(2, 1, 32, 40)}
    assert not invert(HOG(), CHELSEA, size=(32, 40), settings=settings).snapshots


def test_a_non_finite_energy_raises_with_its_step_and_finite_images() -> None:
    settings = NNPREIMAGE.replace(alpha=100, start_amplitude=1e4)
    with pytest.raises(NonFiniteEnergyError, match="not finite at step 1:") as caught:
        invert(HOG(), CHELSEA, size=(32, 40), settings=settings)
    assert caught.value.step == 1
    assert caught.value.last_images.shape == (1, 1, 32, 40)
    assert caught.value.last_images.isfinite().all()


def test_images_are_resized_as_asked_for() -> None:
    assert invert(HOG(), CHELSEA, size=64, settings=SHORT).images.shape == (1, 1, 48, 64)
    result = invert(HOG(), [CHELSEA, STRIPES], size=(24, 33), settings=SHORT)
    assert result.images.shape == (2, 1, 24, 33)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([], "no image was given"),
        (np.full((32, 32), 0.5), "target code is zero, like that of a constant image"),
        ([STRIPES, STRIPES[:20]], "images of one batch must have one size"),
        (STRIPES[:2], "hog with cells of 8 pixels needs an image of at least 4 x 4 pixels"),
        (np.full((32, 32), np.nan), "NaN"),
        ("no such file.png", "no such file.png: No such file"),
    ],
)
def test_images_that_cannot_be_inverted_are_refused(images: ImageLike, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        invert(HOG(), images, settings=SHORT)


def test_what_is_no_image_by_its_type_is_refused() -> None:
    with pytest.raises(TypeError, match=r"must be a path, an open file, .* not int"):
        invert(HOG(), 7)  # type: ignore[arg-type]


def _nan_code() -> Tensor:
    code = torch.rand(27, 4, 4)
    code[3, 2, 1] = torch.nan
    return code


@pytest.mark.parametrize(
    ("codes", "size", "message"),
    [
        (_nan_code(), None, "the code holds NaN or infinite values"),
        (torch.full((27, 4, 4), torch.inf), None, "the code holds NaN or infinite values"),
        (torch.zeros(27, 4, 4), None, "target code is zero"),
        (torch.rand(31, 4, 4), None, r"of shape \(27, 4, 4\), not \(31, 4, 4\)"),
        (torch.rand(27, 4, 4), (40, 32), r"40 x 32 has a hog code of shape \(27, 5, 4\), not"),
        (torch.rand(27, 4), None, "a code of hog has at least 3 axes, not 2"),
        (torch.rand(27, 4, 4), 48, "an image of 48 x 48 has a hog code of shape"),
        (torch.rand(2, 2, 27, 4, 4), None, r"of shape \(27, 4, 4\), not \(2, 2, 27, 4, 4\)"),
        (torch.rand(0, 27, 4, 4), None, "no code was given"),
        (torch.rand(27, 0, 4), None, r"not \(27, 0, 4\)|needs an image"),
    ],
)
def test_codes_that_cannot_be_inverted_are_refused(
    codes: Tensor, size: tuple[int, int] | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        invert(HOG(), codes=codes, size=size, settings=SHORT)


def test_either_images_or_codes_must_be_given() -> None:
    with pytest.raises(ValueError, match="give either images or codes"):
        invert(HOG())
    with pytest.raises(ValueError, match="give either images or codes"):
        invert(HOG(), STRIPES, codes=random_image(27, 5, 6))


@pytest.mark.parametrize("weights", [[], -1, [20, -1], math.nan])
def test_loss_weights_must_be_there_and_not_negative(weights: float | list[float]) -> None:
    with pytest.raises(ValueError, match=r"loss weights must (not be negative|be numbers or)"):
        invert(HOG(), STRIPES, loss_weight=weights, settings=SHORT)


def test_without_a_seed_there_is_nothing_to_do() -> None:
    with pytest.raises(ValueError, match="seed"):
        invert(HOG(), STRIPES, seeds=[], settings=SHORT)


def test_a_mask_that_does_not_fit_the_code_is_refused() -> None:
    with pytest.raises(ValueError, match=r"mask .*\(3, 3\).*\(27, 5, 6\)"):
        invert(HOG(), STRIPES, mask=torch.ones(3, 3), settings=SHORT)


def test_color_is_reduced_to_gray_before_it_is_inverted() -> None:
    color = load_image(CHELSEA)[:, ::6, ::6] / 255
    gray = (GRAY.to_core(color * 255) + 127.5).clamp(0, 255) / 255
    first = invert(HOG(bilinear=True), color, settings=SHORT)
    second = invert(HOG(bilinear=True), gray, settings=SHORT)
    torch.testing.assert_close(first.images, second.images, rtol=0, atol=0.05)


def test_numbers_of_no_axes_are_numbers_and_texts_are_not() -> None:
    phi, photo, quick = HOG(), np.eye(32), NNPREIMAGE.with_steps(1)
    weights: list[Any] = [torch.tensor(3.0), np.array(3.0), 3]
    for weight in weights:
        assert invert(phi, photo, loss_weight=weight, settings=quick).loss_weights == (3.0,)
    several: Any = torch.tensor([1.0, 3.0])
    assert invert(phi, photo, loss_weight=several, settings=quick).loss_weights == (1.0, 3.0)
    wrong: Any
    for wrong in ("3", ["3"], [None]):
        with pytest.raises(ValueError, match="loss weights must be numbers or 'auto', not"):
            invert(phi, photo, loss_weight=wrong, settings=quick)
    with pytest.raises(ValueError, match="loss weights must be at most 3e"):
        invert(phi, photo, loss_weight=1e300, settings=quick)


def test_a_wrong_mask_quality_or_masked_code_has_one_line() -> None:
    wrong: Any = "5"
    with pytest.raises(TypeError, match=r"^mask must be a tensor or a preimage.Mask, .* a str$"):
        invert(HOG(), np.eye(32), mask=wrong)
    wrong = 3
    with pytest.raises(ValueError, match=r"^unknown quality '3': there are draft, fast, best$"):
        invert(HOG(), np.eye(32), quality=wrong)
    values = np.arange(496.0).reshape(31, 4, 4)
    code = np.ma.masked_array(values, mask=values > 400)
    with pytest.raises(ValueError, match=r"^a code must not be a masked array: fill it first"):
        invert(HOG(), codes=code)
