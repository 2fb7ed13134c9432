"""What a classifier looked at: maps, and pictures of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import numpy as np

from imgfeat._files import unique_stems, write_atomic
from imgfeat._typing import Figure, PathLike
from imgfeat.evaluation.explanation._overlay import (
    encode,
    jpeg_address,
    overlay,
)
from imgfeat.evaluation.explanation._plot import draw_explanation
from imgfeat.evaluation.report._as_shown import as_rgb
from imgfeat.sources._images import Images

_SHOWN = 12  # in a notebook
_SIDE = 240  # pixels of those


@dataclass(frozen=True, repr=False, eq=False)
class Explanation:
    """What `explain` found.

    Attributes
    ----------
    maps : ndarray of shape (n_images, height, width), or list of (height, width)
        float32, a pixel for each of the image's: above 0 what speaks for the class,
        below 0 what speaks against it, 0 where the classifier does not look. A list if
        images differ in size.
    targets : ndarray of shape (n_images,)
        The classes whose decisions are explained.
    decisions : ndarray of shape (n_images,), float64
        These decisions. A map sums up to its own, unless by occlusion.
    method : {"cam", "grad-cam", "hog", "words", "occlusion"}
        How the maps were made.
    strokes : list of ndarray of shape (n, 5)
        For "hog", edges: row and column of both ends in pixels, and what they add.
    points : list of ndarray of shape (n, 3)
        For "words", descriptors: row and column in pixels, and what they add.

    Notes
    -----
    Pictures are drawn of the images as they are then: paths must still be there.
    """

    maps: np.ndarray | list[np.ndarray]
    targets: np.ndarray
    decisions: np.ndarray
    method: str
    strokes: list[np.ndarray]
    points: list[np.ndarray]
    _images: Images = field(repr=False)

    def __len__(self):
        return len(self.targets)

    def __repr__(self):
        return f"Explanation of {len(self)} images by {self.method}"

    def _repr_html_(self):
        shown = range(min(len(self), _SHOWN))
        return f"<p>{escape(repr(self))}</p>{''.join(map(self._figure, shown))}"

    def picture(self, row: int) -> np.ndarray:
        """Lay a map over its image.

        Parameters
        ----------
        row : int

        Returns
        -------
        ndarray of shape (height, width, 3), uint8
            Orange where it speaks for the class, blue where against it.

        Raises
        ------
        ImageDecodeError
            If the image can no longer be read.
        """
        return overlay(as_rgb(self._images.read(row)), self.maps[row])

    def plot(self, n: int = 6) -> Figure:
        """Draw the first images, each beside what was looked at in it.

        Parameters
        ----------
        n : int, default=6
            Images at most.

        Returns
        -------
        Figure
            Of matplotlib. Strokes of gradients are drawn as lines along the edges, and
            descriptors as dots.
        """
        rows = range(min(n, len(self)))
        if not rows:
            raise ValueError(f"plot needs at least one image to draw. Got n={n}.")
        return draw_explanation(
            [as_rgb(self._images.read(row)) for row in rows],
            [self.picture(row) for row in rows],
            [self.strokes[row] for row in rows],
            [self.points[row] for row in rows],
            [self._caption(row) for row in rows],
        )

    def save_png(
        self, folder: PathLike, names: Sequence[str] | None = None
    ) -> list[Path]:
        """Write a picture of every image, side by side with the image itself.

        Parameters
        ----------
        folder : path
            Made if it is not there.
        names : sequence of str, optional
            Of the files, without suffix; by default those of the images, and numbers
            for images that are no files. What is there already is replaced.

        Returns
        -------
        list of Path
            The files, one an image.

        Raises
        ------
        ImageDecodeError
            If an image can no longer be read.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if names is None:
            names = unique_stems(
                source.name if source.is_stored else f"image-{row}"
                for row, source in enumerate(self._images.sources)
            )
        paths = [folder / f"{name}.png" for name in names]
        for row, path in enumerate(paths):
            image = as_rgb(self._images.read(row))
            both = np.hstack([image, overlay(image, self.maps[row])])
            write_atomic(path, encode(both, "PNG", optimize=True))
        return paths

    def _figure(self, row):
        """The picture of an image for a notebook, or only words if it is gone."""
        caption = escape(self._caption(row), quote=True)
        try:
            address = jpeg_address(self.picture(row), _SIDE)
        except (OSError, ValueError):
            return f"<p>{caption} (the image cannot be read any more)</p>"
        return (
            f"<figure style='display:inline-block;margin:4px'><img src='{address}' "
            f"alt='{caption}'><figcaption>{caption}</figcaption></figure>"
        )

    def _caption(self, row):
        return f"{self.targets[row]}: {self.decisions[row]:+.2f}"
