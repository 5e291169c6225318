from __future__ import annotations

import pytest

from preimage.names import LayerName, parse_channels, unknown


@pytest.mark.parametrize(
    ("text", "network", "layer"),
    [
        ("hog", "", "hog"),
        ("alexnet/conv3", "alexnet", "conv3"),
        ("matconvnet:nets/mine.mat/conv3", "matconvnet:nets/mine.mat", "conv3"),
        ("import:package.module.factory/0.1", "import:package.module.factory", "0.1"),
        ("alexnet/", "alexnet", ""),
        ("matconvnet:C:\\nets\\mine.mat/conv3", "matconvnet:C:\\nets\\mine.mat", "conv3"),
        ("pt2:C:/nets/mine.pt2/act|pca:C:\\a.npy", "pt2:C:/nets/mine.pt2", "act|pca:C:\\a.npy"),
    ],
)
def test_the_layer_follows_the_last_slash(text: str, network: str, layer: str) -> None:
    assert LayerName.parse(text) == LayerName(network, layer)
    assert str(LayerName.parse(text)) == text


def test_the_nearest_name_is_offered() -> None:
    known = ["vgg-vd-16", "vgg-vd-19", "alexnet"]
    assert unknown("network", "vgg-vd16", known) == (
        "unknown network 'vgg-vd16': did you mean 'vgg-vd-16'?"
    )


def test_case_does_not_hide_a_name() -> None:
    assert unknown("network", "ALEXNET", ["alexnet"]).endswith("did you mean 'alexnet'?")


def test_names_far_from_all_known_ones_list_the_first_of_these() -> None:
    known = [f"layer{number}" for number in range(30)]
    message = unknown("layer", "xyz", known)
    assert message.startswith("unknown layer 'xyz': there are layer0, layer1, ")
    assert message.endswith("layer23, ... (30 in all)")


@pytest.mark.parametrize(
    ("text", "channels"),
    [("5", [5]), ("0-2", [0, 1, 2]), (" 3 , 1 - 2", [3, 1, 2]), ("4,2-5,4", [4, 2, 3, 5])],
)
def test_channels_are_numbers_and_ranges_each_once(text: str, channels: list[int]) -> None:
    assert parse_channels(text) == channels
    assert parse_channels(text, count=6) == channels


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "3-1", "1,,2", "1.5", "1:2"])
def test_other_text_is_no_list_of_channels(text: str) -> None:
    with pytest.raises(ValueError, match="channels must be like 0-24,31, not"):
        parse_channels(text)
    with pytest.raises(ValueError, match="channels must be like 0-24,31 or all, not"):
        parse_channels(text, count=6)


def test_all_channels_need_their_number() -> None:
    assert parse_channels("all", count=4) == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="channels must be like 0-24,31, not 'all'"):
        parse_channels("all")


def test_channels_beyond_the_last_are_refused() -> None:
    with pytest.raises(ValueError, match="channel 9 is not among 0-5"):
        parse_channels("1,7-9", count=6)
