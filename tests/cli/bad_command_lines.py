"""The table of bad command lines: what each begins with, and the ways in which it goes wrong.

A line is what a user types behind `preimage`. The files that the lines name are made by `prepare`.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image
from tests.cli.runner import npy, save_photo

NETWORK = """
from torch import nn

def make():
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(1), nn.LazyLinear(2))
    import torch
    layers(torch.zeros(1, 3, 16, 16))
    return layers, {"size": (16, 16), "classes": ("goose", "frog, tree frog")}

def fails(): raise RuntimeError("no\\nluck")
def nothing(): return 3
def misspelt(): return nn.ReLU(), {"men": (1, 2, 3)}
def unit(): return nn.ReLU(), {"mean": (0, 0, 0), "std": (1, 1, 1)}
def flat(): return nn.ReLU(), {"mean": 0.5}
def band(): return nn.ReLU(), {"range": (5, 1), "mean": (1,), "std": (1,)}
value = 7
"""

STUDIES = {
    "broken": "representations = [",
    "nested": "a = " + "[" * 5000,
    "none": "",
    "misspelt": 'representation = ["hog"]',
    "wrong-type": 'representations = "hog"',
    "no-such": 'representations = ["hogg"]',
    "seed": 'representations = ["hog"]\nseeds = [-1]',
    "bool": 'representations = ["hog"]\nseeds = [true]',
    "infinite": 'representations = ["hog"]\nloss_weight = [inf]',
    "norm": 'representations = ["hog"]\n[settings]\nmax_pixel_norm = inf',
    "jitter": 'representations = ["hog"]\n[settings]\njitter = 1.5',
    "constant": 'representations = ["hog"]\n[settings]\nalpa = 3',
    "visualization": 'representations = ["hog"]\nvisualization = "inverts"',
    "size": 'representations = ["hog"]\nsize = 0',
    "quality": 'representations = ["hog"]\nquality = "great"',
    "images": 'representations = ["hog"]\nimages = ["missing.png"]',
    "classes": 'representations = ["hog"]\nclasses = ["goose"]',
    "no-target": 'representations = ["hog"]\nvisualization = "maximize"',
}


def prepare(folder: Path) -> None:
    """Makes the files that the command lines name."""
    save_photo(folder / "a.png")
    save_photo(folder / "small.png", size=(2, 3))
    (folder / "empty.png").write_bytes(b"")
    (folder / "cut.png").write_bytes((folder / "a.png").read_bytes()[:100])
    (folder / "words.png").write_text("no picture")
    (folder / "film.mp4").write_bytes(b"\0\0\0\x20ftypisom" + bytes(600))
    frames = [Image.new("L", (9, 9), level) for level in (0, 200)]
    frames[0].save(folder / "film.gif", save_all=True, append_images=frames[1:])
    for name, array in {
        "scalar": np.float32(3), "vector": np.ones(5), "zero": np.zeros((27, 4, 4)),
        "nan": np.full((27, 4, 4), np.nan), "complex": np.ones((27, 4, 4), complex),
        "shape": np.ones((5, 4, 4)), "none": np.ones((0, 27, 4, 4)), "text": np.array(["a"]),
        "volume": np.ones((2, 3, 4, 5, 6)), "code": np.ones((27, 5, 6)),
    }.items():  # fmt: skip
        (folder / f"{name}.npy").write_bytes(npy(np.asarray(array)))
    (folder / "object.npy").write_bytes(npy(np.array([None], dtype=object)))
    (folder / "empty.npy").write_bytes(b"")
    (folder / "garbled.npy").write_bytes(b"\x93NUMPY\x01\x00\xff\xff{{{{")
    (folder / "cut.npy").write_bytes((folder / "code.npy").read_bytes()[:-5])
    (folder / "file").write_text("a file")
    (folder / "weights.pth").write_bytes(b"no weights")
    (folder / "weights.safetensors").write_bytes(b"\xff" * 64)
    (folder / "network.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(300))
    (folder / "hoggle.npz").write_bytes(b"PK no dictionaries")
    (folder / "folder").mkdir()
    (folder / "badnet.py").write_text(NETWORK)
    for name, text in STUDIES.items():
        (folder / f"{name}.toml").write_text(text)
    (folder / "binary.toml").write_bytes(b"\xff\xfe\x00")
    os.mkfifo(folder / "pipe")


_OF_A_RUN = (
    "--device toaster", "--device cuda:9", "--device ''", "--accelerate faster",
    "--memory lots", "--memory -1GB", "--memory 0GB", "--memory 4TB", "--memory ''",
    "--memory nanGB", "--size 0", "--size -7", "--size 0x5", "--size 3x", "--size axb",
    "--size 1x2x3", "--size 1.5", "--size nan", "--size ''", "--size 100000x100000",
    "--size 99999999999", "--steps 0", "--steps -1", "--steps 1.5", "--steps many", "--steps nan",
    "--steps 99999999999999999999", "--video film.avi", "--video film", "--out a.png/x",
    "--out x.pgn", "--out file", "--grid=3", "--json=perhaps", "--misspelt", "--siz 3",
)  # fmt: skip
_TWICE = ("--steps 1 --steps 2", "--size 20 --size=30", "--out a --out a", "--prior tv --prior tv")
_SEEDS = (
    "--seed -1", "--seed 1.5", "--seed a", "--seed 99999999999999999999", "--seeds 0",
    "--seeds -3", "--seeds two", "--seeds 2.5", "--seeds 1000000000",
    "--seeds 99999999999999999999", "--seeds inf", "--seeds ''",
)  # fmt: skip
_PHOTOS = (
    "missing.png", "empty.png", "cut.png", "words.png", "film.mp4", "film.gif", "folder", "pipe",
    "/dev/zero", "/dev/null", "''", "file", "small.png", "a.png/b.png", "ü€.png", "volume.npy",
    "garbled.npy",
)  # fmt: skip
_LAYERS = (
    "import:badnet.make/9", "import:badnet.make/", "import:badnet.make", "import:badnet.mke/0",
    "import:badnt.make/0", "import:badnet/0", "import:", "import:badnet.fails/0",
    "import:badnet.nothing/0", "import:badnet.misspelt/0", "import:badnet.unit/0",
    "import:badnet.flat/0", "import:badnet.band/0", "import:badnet.value/0", "vgg-m/conv99",
    "vgg-mm/conv1", "vgg-m/conv1", "vgg-m", "/conv1", "''", "' '", "ünknown", "matconvnet:/conv1",
    "matconvnet:network.mat/conv1", "matconvnet:missing.mat/conv1", "matconvnet:folder/conv1",
    "matconvnet:pipe/conv1", "tim:resnet18/layer1", "timm:/layer1", "torchvision:/layer1",
    "hf:/layer1", "hf:missing-folder/x/layer1",
)  # fmt: skip
_WEIGHTS = (
    "--weights missing.pth", "--weights weights.pth", "--weights weights.safetensors",
    "--weights folder", "--weights pipe", "--weights ''",
)  # fmt: skip
_TARGETS = (
    "", "--channels", "--channels ''", "--channels a", "--channels 3-1", "--channels -1",
    "--channels 0-", "--channels 0,,1", "--channels 4", "--channels 0-99999999999",
    "--channels 1.5", "--channels all,1", "--channels ²", "--neurons 1,2", "--neurons a,b,c",
    "--neurons 9,0,0", "--neurons 0,99,0", "--neurons -1,0,0", "--neurons ''",
    "--classes goose", "--classes goose --channels 0",
)  # fmt: skip

BAD: dict[str, tuple[str, ...]] = {
    "": ("inverts", "invert", "maximize", "caricature", "fetch", "layers", "stats", "top",
         "--misspelt", "reproduce fig99", "reproduce table9", "study runs", "''", "ünknown"),
    "invert a.png": ("", "--rep", "--rep hog --rep dsit", "--rep ''", "--layers conv1"),
    "invert a.png --steps 1 --rep": _LAYERS,
    "invert --rep hog --steps 1": (
        *_PHOTOS, "scalar.npy", "vector.npy", "zero.npy", "nan.npy", "complex.npy", "shape.npy",
        "none.npy", "text.npy", "object.npy", "empty.npy", "cut.npy", "code.npy --size 3x3",
    ),
    "invert a.png --rep hog": (
        *_OF_A_RUN, *_TWICE, *_SEEDS, "--loss-weight -1", "--loss-weight nan", "--loss-weight inf",
        "--loss-weight a", "--loss-weight ''", "--quality great", "--quality ''",
        "--solver newton", "--preset modrn", "--preset modern", "--preset paper --quality fast",
        "--solver algorithm-1 --quality fast", "--solver sobolev-lbfgs --preset paper",
        "--window 0", "--window -1", "--window 99", "--window a", "--stream 0", "--stream 3",
        "--stream 1.5", "--channels 99", "--channels a", "--channels 5-2", "--channels ''",
        "--layers conv1", "--limit 0", "--limit a", "--code-scale sideways",
    ),
    "invert a.png --steps 1 --rep import:badnet.make/0": (
        *_WEIGHTS, "--layers 0", "--window 99", "--channels 4", "--size 1", "--size 2x2",
    ),
    "invert a.png --steps 1 --rep import:badnet.make": (
        "--layers 9", "--layers ''", "--layers 0,,1", "--layers 0,9",
    ),
    "caricature --rep hog --steps 1": _PHOTOS,
    "caricature a.png --steps 1 --rep": _LAYERS[:6],
    "caricature a.png --rep hog": (
        *_OF_A_RUN[:8], *_TWICE, "--strength 0", "--strength -1", "--strength nan",
        "--strength inf", "--strength a", "--strength 1,3", "--preset modern", "--seed -1",
        "--size 0", "--seeds 2",
    ),
    "maximize import:badnet.make/0 --steps 1": _TARGETS,
    "maximize import:badnet.make --steps 1": (
        "--classes swan", "--classes ''", "--classes 7", "--classes -1", "--classes goose,,",
        "--channels 0",
    ),
    "maximize import:badnet.make/0 --channels 0": (
        *_OF_A_RUN[:12], *_TWICE, *_SEEDS[:8], "--diversity -1", "--diversity nan",
        "--diversity inf", "--strength 0", "--strength nan", "--mosaic --size 20",
        "--mosaic --diversity 1",
        "--reference missing.png", "--reference folder", "--reference words.png", "--preset none",
        "--start missing.png", "--start folder", "--start words.png", "--start missing.npz",
        "--start hoggle.npz", "--start a.png --mosaic",
    ),
    "maximize --channels 0 --steps 1": _LAYERS[:10],
    "fetch": ("vgg-mm", "hog", "''", "matconvnet:network.mat", "import:badnet.make",
              "vgg-m --from missing.mat", "vgg-m --from network.mat", "vgg-m --from folder",
              "vgg-m --from pipe", "timm: --from weights.pth"),
    "layers": ("vgg-mm", "hog", "''", "import:badnet.fails", "matconvnet:missing.mat",
               "matconvnet:network.mat", "vgg-m vgg-s"),
    "stats": ("hog", "import:badnet.make", "import:badnet.make/9", "vgg-m/conv1",
              "import:badnet.make/0 --images missing.png", "import:badnet.make/0 --images folder",
              "import:badnet.make/0 --device toaster", "import:badnet.make/0 --out file/x.csv",
              "import:badnet.make/0 --images pipe"),
    "top": ("hog", "import:badnet.make", "import:badnet.make/9",
            "import:badnet.make/0 --channels 9",
            "import:badnet.make/0 --channels a", "import:badnet.make/0 --out x.txt",
            "import:badnet.make/0 --reference folder", "import:badnet.make/0 --out file/x.png"),
    "audit": ("hog", "layer vgg-m", "codes", "trian"),
    "audit codes vectors.npy": ("", "--rep", "--rep import:badnet.make/99"),
    "audit codes --rep import:badnet.make/2": (
        "missing.npy", "folder", "a.png", "empty.npy", "cut.npy", "nan.npy",
        "vector.npy --sample 0", "vector.npy --projection missing.npy", "vector.npy --seed -1",
        "vector.npy --quality great", "vector.npy --out file", "vector.npy --out x.html",
        "vector.npy --reference missing.png", "vector.npy --device toaster", "pipe",
    ),
    "audit layers": ("hog", "vgg-m", "import:badnet.make --limit 0", "import:badnet.make --limit 2",
              "import:badnet.make --layers 9", "import:badnet.make --images missing.png",
              "import:badnet.make --steps 0", "import:badnet.make --workers 0",
              "import:badnet.make --threads 0", "import:badnet.make --threads 100000",
              "import:badnet.make --threads 2147483647", "import:badnet.make --batch 0",
              "import:badnet.make --out file", "import:badnet.make --out x.html"),
    "demo": ("--out x.txt", "--out file/x.png", "a.png"),
    "reproduce": ("table4 --images folder", "table4 --size 0", "table4 --hoggle hoggle.npz",
                  "table4 --hoggle missing.npz", "table4 --hoggle pipe", "table4 --out x.csv",
                  "table4 --limit 0", "table5", "table5 --network vgg-mm", "table5 --layers a",
                  "table5 --loss-weight -1", "fig3", "fig1 --network vgg-mm",
                  "fig3 --network import:badnet.make --classes swan", "fig3 --seeds 0",
                  "fig10 --preset great", "hoggle --images missing.png", "hoggle --out folder"),
    "study run": (
        "", "missing.toml", "folder", "pipe", "binary.toml", "a.png",
        *(f"{name}.toml" for name in STUDIES), "seed.toml --workers 0", "seed.toml --gpus -1",
        "seed.toml --gpus nan", "seed.toml --threads a", "seed.toml --threads 99999999999",
    ),
    "study": ("status missing", "status a.png", "status folder", "report missing",
              "report folder --study x", "export folder x.csv", "export missing x.csv",
              "export folder", "status"),
}  # fmt: skip
