"""The spatial pyramid: which cells of the image a descriptor belongs to."""

import numpy as np

from imgfeat._validation import check_shape_param


class Pyramid:
    """Grids over the image, a level each; every descriptor is in one cell of each.

    Parameters
    ----------
    levels : None or sequence of int or (int, int)
        Cells down and across, at each level; an int means as many both ways. None is
        the whole image alone.
    """

    def __init__(self, levels):
        self.is_flat = levels is None
        self.shapes = [(1, 1)] if levels is None else [_grid(cells) for cells in levels]
        if not self.shapes:
            raise ValueError("spatial_pyramid must have a level or be None. Got ().")
        self.n_cells = sum(rows * cols for rows, cols in self.shapes)

    def cells(self, bags, image):
        """Number the cells that an image's descriptors fall in.

        Parameters
        ----------
        bags : Bags
        image : int

        Returns
        -------
        ndarray of shape (n_levels, n_descriptors), int32
        """
        numbers = np.zeros((len(self.shapes), bags.counts[image]), dtype=np.int32)
        if self.is_flat:
            return numbers
        positions, start = bags.positions(image), 0
        for level, (n_rows, n_cols) in enumerate(self.shapes):
            # A position of exactly 1 belongs to the last cell.
            row, col = np.clip(
                (positions * (n_rows, n_cols)).astype(np.int32).T,
                0,
                [[n_rows - 1], [n_cols - 1]],
            )
            numbers[level] = start + row * n_cols + col
            start += n_rows * n_cols
        return numbers

    def prefixes(self):
        """Name the cells, as in ``"l1_r0_c1_"``; a flat pyramid needs no names."""
        if self.is_flat:
            return [""]
        return [
            f"l{level}_r{row}_c{col}_"
            for level, (n_rows, n_cols) in enumerate(self.shapes)
            for row in range(n_rows)
            for col in range(n_cols)
        ]

    def check_positions(self, bags, name):
        """Refuse bags that do not say where their descriptors are."""
        if not self.is_flat and not bags.has_positions:
            raise ValueError(
                f"spatial_pyramid={self.shapes} needs to know where descriptors are, "
                f"and {name} got arrays without positions. Pass Descriptors, as SIFT "
                "and DenseSIFT return, or set spatial_pyramid=None."
            )

    def check_fits(self, bags, name):
        """Refuse also grids so fine that a cell is empty in all images."""
        self.check_positions(bags, name)
        if self.is_flat:
            return
        filled = np.zeros(self.n_cells, dtype=bool)
        for image in range(len(bags)):
            filled[self.cells(bags, image)] = True
            if filled.all():
                return
        start = 0
        for n_rows, n_cols in self.shapes:
            n_empty = np.count_nonzero(~filled[start : start + n_rows * n_cols])
            start += n_rows * n_cols
            if n_empty:
                raise ValueError(
                    f"spatial_pyramid has a level of {n_rows} x {n_cols} cells, and "
                    f"{n_empty} of them hold no descriptor of any of the {len(bags)} "
                    "images; use fewer cells or a smaller step between descriptors."
                )


def _grid(cells):
    pair = (cells, cells) if np.isscalar(cells) else cells
    return check_shape_param(pair, "Each level of spatial_pyramid")
