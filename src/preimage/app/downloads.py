"""The files of a result that visitors take with them, in a folder of the app."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from preimage.app import recipes
from preimage.app.task import Task
from preimage.files import file_name, sha256
from preimage.visualizations import PreImage


class Downloads:
    """A folder with a folder for each visitor, who has the files of one result.

    It lies in that of Gradio, from where files are served, if there is one.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(dir=os.environ.get("GRADIO_TEMP_DIR")))

    def write(self, visitor: str, task: Task, result: PreImage) -> list[Path]:
        """Write the files of a result in place of the visitor's last ones, and return them.

        They are a picture with its JSON sidecar for each image, the whole result for `start=`, and
        all that the recipes of the task name: the photo, and the result that the run went on from.
        """
        self.forget(visitor)
        folder = self._folder / file_name(visitor)
        folder.mkdir()
        more: dict[str, str] = {}
        first, pictures = recipes.stem(task), []
        others = [folder / f"{first}.npz"]
        result.save(others[0])
        if task.start is not None:
            others.append(folder / recipes.START)
            task.start.save(others[-1])
        if task.photo is not None:
            more = {"input": task.photo.name, "sha256": sha256(task.photo.data)}
            others.append(folder / task.photo.name)
            others[-1].write_bytes(task.photo.data)
        for index in range(len(result)):
            name = f"{first}.{index}.png" if len(result) > 1 else f"{first}.png"
            result.save(folder / name, index, **more, output=name)
            pictures += [folder / name, (folder / name).with_suffix(".json")]
        return [*pictures, *others]

    def forget(self, visitor: str) -> None:
        """Remove a visitor's files."""
        shutil.rmtree(self._folder / file_name(visitor), ignore_errors=True)

    def close(self) -> None:
        """Remove all files."""
        shutil.rmtree(self._folder, ignore_errors=True)
