"""What is wrong with a weight file is said in one clear line."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
from tests.models.simplenn_files import (
    narrow,
    random_weights,
    row,
    save_v5,
    save_v73,
    simplenn,
)

from preimage.models import matconvnet, zoo
from preimage.models.architecture import Dropout
from preimage.models.errors import ModelError

Save = Callable[[Path, dict[str, Any]], Path]
FORMATS = pytest.mark.parametrize("save", [save_v5, save_v73], ids=["v5", "v73"])


def message(path: Path) -> str:
    """The error of reading a file, which is one line that names it."""
    with pytest.raises(ModelError) as caught:
        matconvnet.read(path)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    assert len(text) < len(str(path)) + 250
    return text.removeprefix(f"{path}: ")


def save_v7(path: Path, tree: dict[str, Any]) -> Path:
    """Compressed, as the zoo's files are."""
    save_v5(path, tree)
    variables = scipy.io.loadmat(path, struct_as_record=True)
    kept = {name: value for name, value in variables.items() if not name.startswith("_")}
    scipy.io.savemat(path, kept, do_compression=True)
    return path


def network_tree() -> dict[str, Any]:
    layers = narrow(zoo.get("vgg-m").layers, 32)
    return simplenn(layers, random_weights(layers), "beta17")


def conv(**fields: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal((3, 3, 3, 4)), rng.standard_normal((1, 4))]
    return {"type": "conv", "name": "conv1", "weights": weights} | fields


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    assert message(tmp_path / "net.mat") == "no such file"


@pytest.mark.parametrize("content", [b"", b"x", b"\x89PNG\r\n\x1a\n" * 100, b"MATLAB 5.0 " * 50])
def test_a_file_of_another_kind_is_no_matlab_file(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.mat"
    path.write_bytes(content)
    assert message(path).startswith("not a MATLAB file, or a damaged or truncated one (")


@pytest.mark.parametrize("save", [save_v5, save_v7, save_v73], ids=["v5", "v7", "v73"])
@pytest.mark.parametrize("part", [0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_said_to_be_damaged(save: Save, part: float, tmp_path: Path) -> None:
    path = save(tmp_path / "net.mat", network_tree())
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    assert "damaged or truncated" in message(path)


@pytest.mark.parametrize("save", [save_v5, save_v7, save_v73], ids=["v5", "v7", "v73"])
def test_no_damage_causes_anything_but_a_model_error(save: Save, tmp_path: Path) -> None:
    tree = simplenn(zoo.get("vgg-m").layers[1:4], {}, "beta17")
    tree["layers"].insert(0, conv())
    path = save(tmp_path / "net.mat", tree)
    content, rng = path.read_bytes(), np.random.default_rng(1)
    errors = []
    for _ in range(150):
        damaged = bytearray(content)
        for place in rng.integers(128, len(content), 3):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            matconvnet.read(path)
        except ModelError as error:
            errors.append(str(error))
    assert errors
    assert not any("\n" in text for text in errors)


def test_a_pickle_is_refused_and_never_run(tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "attacked",)

    path = tmp_path / "net.mat"
    path.write_bytes(pickle.dumps(Attack()))
    assert "not a MATLAB file" in message(path)
    assert not (tmp_path / "attacked").exists()


@FORMATS
def test_a_file_of_other_variables_holds_no_network(save: Save, tmp_path: Path) -> None:
    path = save(tmp_path / "data.mat", {"features": row(1, 2, 3)})
    assert message(path) == "holds no SimpleNN network (a cell array `layers` of structs)"


@FORMATS
@pytest.mark.parametrize("layers", [[], ["conv1", "conv2"], "conv1", np.ones((2, 2))])
def test_layers_that_are_no_structs_are_no_network(layers: Any, save: Save, tmp_path: Path) -> None:
    path = save(tmp_path / "data.mat", {"layers": layers})
    assert message(path) == "holds no SimpleNN network (a cell array `layers` of structs)"


@FORMATS
def test_a_dagnn_is_called_a_dagnn(save: Save, tmp_path: Path) -> None:
    layer = {"name": "conv1", "type": "dagnn.Conv", "inputs": ["x0"], "block": {"size": row(3, 3)}}
    expected = "holds a DagNN; only SimpleNN networks can be read"
    trees: list[dict[str, Any]] = [
        {"net": {"layers": [layer], "vars": {"name": "x0"}, "params": {"name": "conv1f"}}},
        {"layers": [layer]},
        {"layers": layer},
        {"layers": [{"name": "conv1", "type": "dagnn.Conv"}]},
    ]
    for number, tree in enumerate(trees):
        assert message(save(tmp_path / f"{number}.mat", tree)) == expected


def test_a_dagnn_whose_layers_are_a_struct_array_of_a_7_3_file_is_called_a_dagnn(
    tmp_path: Path,
) -> None:
    path = tmp_path / "net.mat"
    with h5py.File(path, "w") as file:
        layers = file.create_group("layers")
        layers.attrs["MATLAB_class"] = np.bytes_("struct")
        for field, text in (("name", "conv1"), ("block", "x"), ("type", "dagnn.Conv")):
            code = np.frombuffer(text.encode("utf-16-le"), np.uint16)[:, None]
            target = file.create_dataset(f"#refs#/{field}", data=code)
            target.attrs["MATLAB_class"] = np.bytes_("char")
            references = np.full((2, 1), target.ref, h5py.ref_dtype)
            layers.create_dataset(field, data=references, dtype=h5py.ref_dtype)
    assert message(path) == "holds a DagNN; only SimpleNN networks can be read"


@FORMATS
def test_an_unsupported_layer_is_named_with_its_type(save: Save, tmp_path: Path) -> None:
    path = save(tmp_path / "net.mat", {"layers": [conv(), {"type": "bnorm", "name": "bn1"}]})
    assert message(path).startswith(
        "layer bn1 is of the type 'bnorm', which is not supported (conv"
    )


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([{"name": "a"}], "layer a is of the type ''"),
        ([conv(weights=[])], "layer conv1 holds no filters"),
        ([conv(weights=row())], "layer conv1 holds no filters"),
        ([{"type": "conv", "name": "c"}], "layer c holds no filters"),
        ([conv(weights=[np.ones((3, 3, 3, 4)), np.ones(5)])], "conv1 has filters of the shape"),
        ([conv(), conv(name="conv2")], "4 filters of 3 channels, which do not fit an input of 4"),
        ([conv(stride=row(1, 2, 3))], "layer conv1: stride must be 2 number"),
        ([conv(stride="two")], "layer conv1: stride must be 2 number"),
        ([conv(stride=row(0))], "layer conv1: stride cannot be"),
        ([conv(stride=row(np.nan))], "layer conv1: stride must be 1 number"),
        ([conv(weights=[np.full((3, 3, 3, 4), 1e300)])], "conv1 holds weights that are not finite"),
        ([conv(weights=[np.full((3, 3, 3, 4), np.nan)])], "conv1 holds weights that are not fini"),
        ([conv(pad=row(1, 2))], "layer conv1: pad must be 4 number"),
        ([conv(pad=row(-1))], "layer conv1: pad cannot be"),
        ([conv(dilate=row(1.5))], "layer conv1: dilate cannot be"),
        ([{"type": "pool", "name": "p"}], "layer p holds no window size"),
        ([{"type": "pool", "name": "p", "pool": row(2), "method": "sum"}], "p pools by 'sum'"),
        ([{"type": "lrn", "name": "n", "param": row(5, 1)}], "layer n: param must be 4 number"),
        ([{"type": "lrn", "name": "n", "param": row(0, 1, 1, 1)}], "layer n: the window of"),
        ([{"type": "relu", "name": "r", "leak": row(1, 2)}], "layer r: leak must be 1 number"),
    ],
)
def test_a_layer_that_makes_no_sense_is_named(
    layers: list[dict[str, Any]], expected: str, tmp_path: Path
) -> None:
    assert expected in message(save_v5(tmp_path / "net.mat", {"layers": layers}))


def test_a_mean_image_of_other_channels_is_an_error(tmp_path: Path) -> None:
    tree = {"layers": [conv()], "normalization": {"averageImage": np.ones((8, 9, 4))}}
    expected = "the mean image has the shape (8, 9, 4), which does not fit an image of 3 channels"
    assert message(save_v5(tmp_path / "net.mat", tree)) == expected


@pytest.mark.parametrize(
    ("normalization", "expected"),
    [
        ({"averageImage": row(1, np.nan, 3)}, "the mean image holds values that are not finite"),
        ({"imageSize": row(np.nan, 224, 3)}, "the image size cannot be nan x 224.0"),
    ],
)
def test_metadata_that_makes_no_sense_is_an_error(
    normalization: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    tree = {"layers": [conv()], "meta": {"normalization": normalization}}
    assert message(save_v5(tmp_path / "net.mat", tree)) == expected


def test_a_7_3_file_without_h5py_is_an_error_that_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_v73(tmp_path / "net.mat", {"layers": [conv()]})
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert message(path) == "h5py is needed to read a MATLAB 7.3 file: pip install h5py"


def test_a_named_network_s_own_file_passes_with_or_without_dropout(tmp_path: Path) -> None:
    network = zoo.get("vgg-m")
    layers = list(network.layers)
    layers.insert(-3, Dropout("drop7"))
    model = shell(layers, tmp_path)
    matconvnet.check_layers(model.layers, network.layers, network.name)


@pytest.mark.parametrize(
    ("name", "other", "difference"),
    [
        ("alexnet", "caffenet", "where alexnet has lrn norm1, it has pool pool1 (3 x 3, stride 2"),
        ("vgg-m", "vgg-f", "has conv conv1 (7 x 7, stride 2 x 2) to 96 channels in 1 group(s), it"),
        ("vgg-vd-19", "vgg-vd-16", "where vgg-vd-19 has conv conv3_4 (3 x 3"),
    ],
)
def test_a_weight_file_of_another_network_is_an_error_that_says_where(
    name: str, other: str, difference: str, tmp_path: Path
) -> None:
    model = shell(list(zoo.get(other).layers), tmp_path)
    with pytest.raises(ModelError, match="a weight file of another network") as caught:
        matconvnet.check_layers(model.layers, zoo.get(name).layers, name)
    assert difference in str(caught.value)


@pytest.mark.parametrize(("cut", "wanted"), [(slice(-1), "softmax prob, it has nothing")])
def test_a_file_that_lacks_the_last_layer_is_an_error(
    cut: slice, wanted: str, tmp_path: Path
) -> None:
    model = shell(list(zoo.get("vgg-m").layers)[cut], tmp_path)
    with pytest.raises(ModelError, match=wanted):
        matconvnet.check_layers(model.layers, zoo.get("vgg-m").layers, "vgg-m")


def shell(layers: list[Any], tmp_path: Path) -> matconvnet.SimpleNN:
    """A model with these layers as plain data, and nothing behind them."""
    path = save_v5(tmp_path / "net.mat", {"layers": [conv()]})
    model = matconvnet.read(path)
    return matconvnet.SimpleNN(model.module, tuple(layers), None, None, ())
