"""What `make dist` built, and environments with the wheel; without it, tests here are skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.release.environment import Environment, make_environment


@pytest.fixture(scope="session")
def dist() -> Path:
    """The folder with a wheel and an sdist."""
    folder = os.environ.get("PREIMAGE_DIST")
    if folder is None:
        pytest.skip("run by make test-wheel and make test-extras")
    return Path(folder).absolute()


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    """The wheel."""
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def sdist(dist: Path) -> Path:
    """The sdist."""
    (found,) = dist.glob("*.tar.gz")
    return found


@pytest.fixture(scope="session")
def plain(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment that was empty before the wheel was installed, without extras."""
    environment = make_environment(tmp_path_factory.mktemp("plain"))
    environment.install(wheel)
    return environment


@pytest.fixture(scope="session")
def cli(wheel: Path, plain: Environment, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the extra `cli`, and with the wheel's command in its own folder."""
    environment = make_environment(tmp_path_factory.mktemp("cli"), plain)
    environment.install("--ignore-installed", "--no-deps", wheel)
    environment.install(f"{wheel}[cli]")
    return environment
