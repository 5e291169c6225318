"""The real entry point, `python -m preimage`, and how light `import preimage` is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import preimage
from tests.cli.runner import save_photo
from tests.support import pixels_of


def _python(*arguments: str | Path, data: bytes = b"") -> tuple[int, list[str], list[str]]:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], input=data, capture_output=True, check=False
    )
    return done.returncode, done.stdout.decode().splitlines(), done.stderr.decode().splitlines()


def test_import_preimage_loads_nothing_heavier_than_torch_and_numpy() -> None:
    code = (
        "import sys, preimage; preimage.representation('hog');"
        "print(*{'PIL', 'scipy', 'matplotlib', 'typer', 'rich', 'skimage'} & set(sys.modules))"
    )
    assert _python("-c", code) == (0, [""], [])


def test_without_typer_the_command_says_what_to_install() -> None:
    code = "import sys; sys.modules['typer'] = None; from preimage.__main__ import main; main()"
    status, output, errors = _python("-c", code)
    assert status != 0
    assert output == []
    assert errors == ['error: the command line needs typer: pip install "preimage[cli]"']


def test_the_version_is_printed() -> None:
    assert _python("-m", "preimage", "--version") == (0, [preimage.__version__], [])


def test_good_and_bad_inputs_and_standard_input_in_one_command(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a.png")
    bad = tmp_path / "b.png"
    bad.write_text("no image")
    out = tmp_path / "out"
    options = ("--rep", "hog", "--out", out, "--steps", "3", "--json")
    status, output, errors = _python(
        "-m", "preimage", "invert", photo, bad, "-", *options, data=photo.read_bytes()
    )
    assert status == 2
    assert [json.loads(line)["input"] for line in output] == [str(photo), "-"]
    assert errors == [f"error: {bad}: not an image that Pillow can open"]
    assert (pixels_of(out / "a.hog.png") == pixels_of(out / "stdin.hog.png")).all()


def test_the_demo_writes_its_picture_and_prints_its_table(tmp_path: Path) -> None:
    out = tmp_path / "demo.png"
    status, output, errors = _python("-m", "preimage", "demo", "--out", out)
    assert (status, errors) == (0, [])
    assert pixels_of(out).shape > (2 * 288, 2 * 384)
    cells = {words[1]: words for words in (line.split() for line in output) if len(words) > 5}
    for name, most in (("hog", 45), ("hogb", 15), ("dsift", 12)):
        assert 0 < float(cells[name][3]) < most
    assert output[-1] == f"wrote {out}"
