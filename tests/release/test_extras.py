"""Each extra in an environment of its own: a line says how to install it, and then it works."""

from __future__ import annotations

import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.release.environment import ROOT, Environment, make_environment

OTHERS = {"cli", "all", "browser", "dev", "docs", "release"}
"""The extra that `test_wheel.py` tests, and those that only bring others and tools."""

COMMAND = "import sys; from preimage.extras import install_command as i; print(i(sys.argv[1]))"
START = """
import subprocess, sys
from pathlib import Path
import preimage
from preimage.photo_files import shipped_photos

PHOTO = str(shipped_photos()["chelsea"])

def command(*words):
    status = subprocess.run([sys.executable, "-m", "preimage", *words]).returncode
    if status:
        sys.exit(status)

"""
STUDY = """
Path("study.toml").write_text('''
name = "small"
visualization = "invert"
representations = ["hog"]
images = [%r]
size = 48
steps = 2
''' % PHOTO)
"""


@dataclass(frozen=True)
class Extra:
    """An extra and what to do with it.

    Attributes:
        name: its name.
        code: a script that needs it.
        files: a script that makes files for `code`, run only where the extra is installed.
        beside: another extra that `code` needs, the fixture of an environment that has it.
        fails: whether `code` fails without the extra.
        on_torchvision: whether `code` imports torchvision.
    """

    name: str
    code: str
    files: str = ""
    beside: str = ""
    fails: bool = True
    on_torchvision: bool = False


EXTRAS = (
    Extra(
        "fast",
        code="""
preimage.invert(preimage.HOG(), PHOTO, size=64, quality="draft")
""",
        files="""
from preimage.compiling import has_numba
assert has_numba()
""",
        fails=False,
    ),
    Extra(
        "app",
        code="""
from contextlib import closing
from preimage.app import AppOptions, build
from preimage.app.runs import Runs
with closing(Runs(1)) as runs:
    build(AppOptions(), runs)
""",
    ),
    Extra(
        "atlas",
        code="""
command("sheet", PHOTO, "--weights", "random", "--layers", "blocks.0", "--steps", "2")
assert Path("sheet.html").stat().st_size > 10_000
""",
        beside="cli",
        fails=False,  # torch brings Jinja2, too
    ),
    Extra(
        "audit",
        code="""
from preimage.audit.vector_files import open_table
from preimage.reporting.templates import open_templates
store = Path("store.parquet")
store.exists() or store.write_bytes(b"PAR1")
assert len(open_table(store, None)) == 2
assert "audit.html" in open_templates("preimage.reporting.audit_page", "audit").list_templates()
""",
        files="""
import pyarrow, pyarrow.parquet
vectors = pyarrow.table({"vector": [[1.0, 2.0], [3.0, 4.0]]})
pyarrow.parquet.write_table(vectors, "store.parquet")
""",
        beside="cli",
    ),
    Extra(
        "parquet",
        code=STUDY
        + """
command("study", "run", "study.toml", "--out", "store")
command("study", "export", "store", "table.parquet")
""",
        beside="cli",
    ),
    Extra(
        "ray",
        code=STUDY
        + """
command("study", "run", "study.toml", "--out", "store-of-ray", "--ray", "local")
""",
        beside="cli",
    ),
    Extra(
        "demo",
        code="""
command("invert", PHOTO, "--rep", "efficientnet-lite0/blocks.0", "--steps", "2")
""",
        beside="cli",
    ),
    Extra(
        "judge",
        code="""
from PIL import Image
assert preimage.Judge(["efficientnet-lite1"]).names(Image.open(PHOTO))
""",
    ),
    Extra(
        "hf",
        code="""
preimage.network("hf:vit")
""",
        files="""
import json, transformers
config = transformers.ViTConfig(
    hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
    image_size=32, patch_size=8,
)
transformers.ViTForImageClassification(config).save_pretrained("vit")
processor = {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}}
Path("vit/preprocessor_config.json").write_text(json.dumps(processor))
""",
    ),
    Extra(
        "matconvnet",
        code="""
from preimage.models import mat_file
path = Path("net.mat")
path.exists() or path.write_bytes(b"\\x89HDF\\r\\n\\x1a\\n")
assert mat_file.load(path, ["x"])["x"].item() == 2
""",
        files="""
import h5py
with h5py.File("net.mat", "w") as file:
    file["x"] = [[2.0]]
""",
    ),
    Extra(
        "open-clip",
        code="""
preimage.network("open_clip:RN50", weights="random")
""",
        on_torchvision=True,
    ),
    Extra(
        "timm",
        code="""
preimage.network("timm:resnet10t", weights="random")
""",
        on_torchvision=True,
    ),
    Extra(
        "torchvision",
        code="""
preimage.network("torchvision:squeezenet1_1", weights="random")
""",
        on_torchvision=True,
    ),
    Extra(
        "video",
        code="""
command("invert", PHOTO, "--rep", "hog", "--size", "64", "--video", "film.mp4")
assert Path("film.mp4").stat().st_size > 1000
""",
        beside="cli",
    ),
    Extra(
        "notebook",
        code="""
result = preimage.invert(preimage.HOG(), PHOTO, size=64, quality="draft", progress="bar")
result.plot().savefig("plot.png")
""",
    ),
    Extra(
        "hoggle",
        code="""
from preimage.hoggle import learn
learn([Path(PHOTO), shipped_photos()["china"]], atoms=8, patches=16)
""",
    ),
)


def _script(extra: Extra, code: str) -> str:
    """The whole script; torchvision, which PyPI has only for CUDA, can be imported in it."""
    operators = (ROOT / "benchmarks/missing_operators.py").read_text()
    before = f"{operators}\ndeclare_missing_operators()\n" if extra.on_torchvision else ""
    return f"{before}{START}{code}"


def test_every_extra_is_tested() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert {extra.name for extra in EXTRAS} | OTHERS == set(extras)


@pytest.mark.parametrize("extra", EXTRAS, ids=lambda extra: extra.name)
def test_without_an_extra_a_line_says_what_to_run_and_then_it_works(
    extra: Extra, plain: Environment, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    base = request.getfixturevalue(extra.beside) if extra.beside else plain
    environment = make_environment(tmp_path, base)
    command = environment.run("python", "-c", COMMAND, extra.name).stdout.strip()
    assert command.startswith(f'pip install "preimage[{extra.name}] @ file://')
    if extra.fails:
        _check_failure(extra, environment, command)
    environment.install(shlex.split(command)[2])
    for code in (extra.files, extra.code):
        done = environment.run("python", "-c", _script(extra, code))
        assert done.returncode == 0, done.stderr
    own = {path.name for path in environment.packages[0].iterdir()}
    assert not own & {"torch", "nvidia", "triton"}


def _check_failure(extra: Extra, environment: Environment, command: str) -> None:
    """Fail unless the script of an extra that is missing ends with the command that brings it."""
    done = environment.run("python", "-c", _script(extra, extra.code))
    assert done.returncode != 0
    assert command in done.stderr.splitlines()[-1]
    assert "command(" not in extra.code or "Traceback" not in done.stderr, done.stderr
