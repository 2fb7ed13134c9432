"""How several labels of an image are written where one label is a text."""

from dataclasses import dataclass

import pandas as pd

from imgfeat._frames import make_frame
from imgfeat._target import Target, names_of_rows
from imgfeat.sources._labelled import listed

_SEPARATORS = ";|,/"
_TAKEN = "path", "label", "split"
NO_LABEL = "(none)"  # what messages call that an image has none


@dataclass(frozen=True)
class LabelTexts:
    """Writes the labels of an image as one text, as in ``brick;grass``.

    Attributes
    ----------
    names : tuple of str
        All labels, in their order.
    separator : str
        What stands between two; in none of them.
    in_columns : bool
        Whether a corrected table has a column of 0 and 1 for each, as they came.
    """

    names: tuple
    separator: str
    in_columns: bool

    @classmethod
    def of(cls, y, target, separator=None):
        """How labels are written that came as `y`, and are `target`.

        Raises
        ------
        ValueError
            If the separator, or every usual one, is in a label, or a label cannot be
            read back from a table.
        """
        names = tuple(str(label) for label in target.classes.tolist())
        # Names came as lists of names; what came in columns leaves in columns.
        in_columns = isinstance(y, pd.DataFrame) or not target.has_names
        odd = [name for name in names if name != name.strip() or not name]
        if in_columns:
            odd += [name for name in names if name in _TAKEN]
        if odd:
            raise ValueError(
                f"audit_images needs labels that a table can hold. Got {odd[0]!r}, "
                "which is blank, begins or ends so, or is another column; rename it."
            )
        fits = [s for s in _SEPARATORS if not any(s in name for name in names)]
        if separator is None and fits:
            separator = fits[0]
        inside = [name for name in names if separator is None or separator in name]
        if not separator or inside:
            raise ValueError(
                "audit_images needs label_separator, a text that no label has. Got "
                f"{separator!r} and {listed(inside) or 'labels'}; give another."
            )
        return cls(names, separator, in_columns)

    def of_rows(self, values):
        """A text for each row of 0 and 1; empty without a label."""
        return [self.separator.join(row) for row in names_of_rows(values, self.names)]

    def in_table(self, table):
        """`table`, with its column ``label`` as a table of labels has them."""
        if not self.in_columns or "label" not in table:
            return table
        place = table.columns.get_loc("label")
        rows = [text.split(self.separator) if text else [] for text in table["label"]]
        values = Target.of(rows, "A corrected table", self.names).values
        columns = make_frame(values, columns=list(self.names), index=table.index)
        before, behind = table.iloc[:, :place], table.iloc[:, place + 1 :]
        return pd.concat([before, columns, behind], axis=1)
