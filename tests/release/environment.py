"""Environments of their own, in which the wheel of a release is installed and run."""

from __future__ import annotations

import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
_SITE = "import sysconfig; print(sysconfig.get_path('purelib'))"


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and a folder outside the repository in which its programs run.

    They see neither a compiler nor the variables and settings of the person who runs the tests.

    Attributes:
        folder: the environment.
        work: the folder of its programs, which is also their home.
        packages: the folders of its packages: its own, and those of the environment below it.
    """

    folder: Path
    work: Path
    packages: tuple[Path, ...]

    @property
    def programs(self) -> Path:
        """The folder of its programs."""
        return self.folder / "bin"

    def run(self, *words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run one of the environment's programs, perhaps with variables of the shell."""
        program, *arguments = map(str, words)
        return subprocess.run(
            [str(self.programs / program), *arguments],
            env={"HOME": str(self.work), "PATH": str(self.programs), "LANG": "C.UTF-8"} | variables,
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def install(self, *words: str | Path) -> None:
        """Install packages as `constraints.txt` wants them, by pip with the person's settings.

        The pip is that of the tests, so that no environment unpacks one.
        """
        pip = (sys.executable, "-m", "pip", "--python", self.programs / "python", "install")
        options = ("--quiet", "--no-compile", "--constraint", ROOT / "constraints.txt")
        done = self.run(*pip, *options, *words, HOME=str(Path.home()))
        assert done.returncode == 0, done.stderr


def make_environment(folder: Path, base: Environment | None = None) -> Environment:
    """Make an empty environment.

    Args:
        folder: where the environment and its folder of work are made.
        base: another environment. The packages there, torch above all, are found from the new
            one as if they were its own, after its own.
    """
    work = folder / "work"
    work.mkdir(parents=True)
    venv.create(folder / "environment")
    made = Environment(folder / "environment", work, ())
    own = Path(made.run("python", "-c", _SITE).stdout.strip())
    below = () if base is None else base.packages
    (own / "base.pth").write_text("\n".join(map(str, below)))
    return Environment(made.folder, work, (own, *below))
