"""Films of an optimization: a GIF, or an MP4 by PyAV (extra `video`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from preimage.extras import install_command
from preimage.files import write_whole
from preimage.grid import Cell, draw_grid, in_rows
from preimage.reporting.results import check_output
from preimage.visualizations.filming import HOLD, PER_SECOND
from preimage.visualizations.saving import save_picture
from preimage.visualizations.showing import label, title

if TYPE_CHECKING:
    from PIL import Image

    from preimage.visualizations import PreImage


def check_video(path: Path) -> None:
    """Raise if a film cannot be written to `path`, before any work is done for it.

    Raises:
        ValueError: if the path ends neither in .gif nor in .mp4, or PyAV is missing.
        OSError: if it cannot be written, or is a folder, a pipe, a socket or a device.
    """
    if path.suffix.lower() not in (".gif", ".mp4"):
        raise ValueError(f"a video ends in .gif or .mp4, not {path.name}")
    if path.suffix.lower() == ".mp4":
        try:
            import av  # noqa: F401
        except ImportError:
            raise ValueError(
                f"an .mp4 needs PyAV: {install_command('video')}, or write a .gif"
            ) from None
    check_output(path)


def draw_frames(results: Sequence[PreImage], columns: int | None) -> list[Image.Image]:
    """Draw a frame for each snapshot and one of the end, with all results side by side.

    Below a snapshot stands its step. Only the frame of the end says how good the results are.

    Args:
        results: visualizations with about the same number of snapshots.
        columns: number of pictures in a row; None for rows of about equal length.
    """
    shown = [(result, index) for result in results for index in range(len(result))]
    moments = [
        [(step, picture) for step, pictures in moment for picture in pictures]
        for moment in zip(*(result.frames() for result in results), strict=False)
    ]
    pictures = [[picture for _, picture in moment] for moment in moments]
    labels = [
        [f"{title(*one)}, step {step}" for one, (step, _) in zip(shown, moment, strict=True)]
        for moment in moments
    ]
    pictures.append([result.to_pil(index) for result, index in shown])
    labels.append([label(*one) for one in shown])
    at_each_place = list(zip(*labels, strict=True))
    return [
        draw_grid(
            in_rows([Cell(*cell) for cell in zip(*frame, at_each_place, strict=True)], columns)
        )
        for frame in zip(pictures, labels, strict=True)
    ]


def write_video(path: Path, frames: Sequence[Image.Image]) -> None:
    """Write pictures of one size as a film, whole or not at all; the last picture is held.

    Raises:
        OSError: if the file cannot be written.
    """
    held = [*frames, *[frames[-1]] * HOLD]
    with write_whole(path) as partial:
        if path.suffix.lower() == ".gif":
            first, *others = held
            duration = 1000 // PER_SECOND
            save_picture(
                first, partial, save_all=True, append_images=others, duration=duration, loop=0
            )
        else:
            _write_mp4(partial, held)


def _write_mp4(path: Path, frames: Sequence[Image.Image]) -> None:
    """Write pictures as an MP4; an odd last row or column is cut off."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=PER_SECOND)
        stream.width, stream.height = (side // 2 * 2 for side in frames[0].size)
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            cropped = frame.convert("RGB").crop((0, 0, stream.width, stream.height))
            container.mux(stream.encode(av.VideoFrame.from_image(cropped)))
        container.mux(stream.encode())
