"""Environments of their own, in which the wheel of a release is installed and run."""

from __future__ import annotations

import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SITE = "import sysconfig; print(sysconfig.get_path('purelib'))"


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and a folder outside the repository in which its programs run.

    They see neither a compiler nor the variables and settings of the person who runs the tests.
    """

    folder: Path
    work: Path

    def run(self, *words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run one of the environment's programs, perhaps with variables of the shell."""
        program, *arguments = map(str, words)
        programs = self.folder / "bin"
        return subprocess.run(
            [str(programs / program), *arguments],
            env={"HOME": str(self.work), "PATH": str(programs), "LANG": "C.UTF-8"} | variables,
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def install(self, *words: str | Path) -> None:
        """Install packages as `constraints.txt` wants them, by pip with the person's settings."""
        options = ("--quiet", "--constraint", ROOT / "constraints.txt")
        done = self.run("pip", "install", *options, *words, HOME=str(Path.home()))
        assert done.returncode == 0, done.stderr


def make_environment(
    folder: Path, wheel: Path, extras: str, base: Environment | None = None
) -> Environment:
    """Install a wheel with extras in a new environment.

    Args:
        folder: where the environment and its folder of work are made.
        wheel: the wheel.
        extras: names of extras, with commas between them; perhaps none.
        base: an environment with the wheel and no extras. The packages there, torch above all,
            are found from the new one as if they were its own, after its own.
    """
    environment = Environment(folder / "environment", folder / "work")
    environment.work.mkdir(parents=True)
    venv.create(environment.folder, with_pip=True)
    if base is not None:
        paths = [one.run("python", "-c", SITE).stdout.strip() for one in (environment, base)]
        (Path(paths[0]) / "base.pth").write_text(paths[1])
        environment.install("--ignore-installed", "--no-deps", wheel)
    environment.install(f"{wheel}[{extras}]" if extras else wheel)
    return environment
