"""What an audit found: tables, a corrected table, and a page to decide on."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import markupsafe
import pandas as pd

from imgfeat._files import write_atomic
from imgfeat._frames import make_frame
from imgfeat._typing import ImageBatch, PathLike
from imgfeat.evaluation.audit._audit_page import render_audit
from imgfeat.evaluation.audit._corrections import (
    corrected_table,
    issue_text,
    write_corrected,
)
from imgfeat.evaluation.audit._findings import KINDS
from imgfeat.evaluation.audit._kinds import SAFE
from imgfeat.evaluation.audit._label_texts import LabelTexts


@dataclass(frozen=True, repr=False, eq=False)
class Audit:
    """What `audit_images` found. Nothing is changed by it, on disk or in memory.

    Attributes
    ----------
    issues : DataFrame
        A row a finding, the most urgent first: ``row`` (of the image, from 0),
        ``path`` ("" without), ``kind``, ``score`` (0..1, 1 is surest), ``what`` (a
        sentence), ``group`` (copies of one another share it; -1 without), ``label``
        and ``suggested`` ("" without). An image may have several. Several labels of an
        image are one text, as ``brick;grass``.
    images : DataFrame
        A row an image, in the order that came in: ``path``, ``label`` and ``split``
        where they were given, and what was measured.
    notes : tuple of str
        What was not looked for and why, and what else a person has to know.
    """

    issues: pd.DataFrame
    images: pd.DataFrame
    notes: tuple
    _batch: ImageBatch = field(default=())
    _texts: LabelTexts | None = None  # of several labels an image

    def summary(self) -> pd.DataFrame:
        """Count the findings.

        Returns
        -------
        DataFrame
            A row a ``kind`` that was found, the most urgent first: ``n_images``, and
            ``example``, the path (or row) of the surest one.
        """
        rows = []
        for kind, found in self.issues.groupby("kind", sort=False):
            first = found.iloc[0]
            example = first["path"] or f"image {first['row']}"
            rows.append((kind, found["row"].nunique(), example))
        rows.sort(key=lambda row: KINDS.index(row[0]))
        return make_frame(rows, columns=["kind", "n_images", "example"]).set_index(
            "kind"
        )

    def corrected(
        self,
        drop: Sequence[str] = SAFE,
        relabel: bool = False,
    ) -> pd.DataFrame:
        """Paths and labels of the images that stay.

        Parameters
        ----------
        drop : sequence of str
            Kinds of findings whose images go; by default those that need no look:
            "unreadable", "truncated", "exact duplicate" and "listed twice". Of copies,
            the first one of each label stays.
        relabel : bool, default=False
            Whether to take the labels suggested for label errors. They are guesses.

        Returns
        -------
        DataFrame
            ``path`` (absolute; "" for what is no file), ``label`` and ``split`` where
            they were given; of several labels that came in columns a column of 0 and 1
            for each. The index is the row of what came in.
        """
        table = corrected_table(self.images, self.issues, drop=drop, relabel=relabel)
        return table if self._texts is None else self._texts.in_table(table)

    def save_corrected(
        self,
        path: PathLike,
        drop: Sequence[str] = SAFE,
        relabel: bool = False,
    ) -> list[str]:
        """Write `corrected` as a CSV file that `load_image_table` takes.

        Of several labels an image with ``label_separator``, or ``label_columns``.

        Parameters
        ----------
        path : str or Path
        drop, relabel
            As for `corrected`.

        Returns
        -------
        list of str
            Paths of images that stay and are not in the file, as no CSV file can hold
            them: names that are no text, or that end in blanks; "" for arrays.

        Raises
        ------
        ValueError
            If nothing would be left.
        """
        return write_corrected(path, self.corrected(drop, relabel))

    def save_issues(self, path: PathLike) -> None:
        """Write `issues` as CSV; text that a spreadsheet would run gets a ``'`` first.

        Parameters
        ----------
        path : str or Path
        """
        text = issue_text(self.issues)
        write_atomic(path, text.encode("utf-8", "surrogateescape"))

    def save_html(
        self,
        path: PathLike,
        *,
        title: str = "Audit",
        about: dict[str, str] | None = None,
        n_findings: int = 1000,
    ) -> None:
        """Write a page to look at, tick what to drop or relabel, and get a CSV of it.

        Parameters
        ----------
        path : str or Path
            One file, which needs nothing else and fetches nothing; at most 10 MB.
        title : str
        about : dict of {str: str}, optional
            Facts for the foot.
        n_findings : int, default=1000
            Findings shown, the worst of each kind; pictures for as many as have room.
        """
        render_audit(self, path, title=title, about=about, n_findings=n_findings)

    def __repr__(self):
        lines = [self.sentence()]
        if len(self.issues):
            with pd.option_context("display.width", None, "display.max_colwidth", 60):
                lines += ["", self.summary().to_string()]
        return "\n".join([*lines, *self.notes])

    def _repr_html_(self):
        said = markupsafe.escape(self.sentence())
        notes = "".join(f"<p>{markupsafe.escape(note)}</p>" for note in self.notes)
        shown = self.summary().to_html(border=0) if len(self.issues) else ""
        return f"<div><p>{said}</p>{shown}{notes}</div>"

    def sentence(self) -> str:
        """What was found, in a sentence."""
        n_images, n_found = len(self.images), self.issues["row"].nunique()
        if not n_found:
            return f"Nothing was found in {n_images:,} images."
        each = "image has" if n_found == 1 else "images have"
        n_kinds = self.issues["kind"].nunique()
        kinds = "one kind" if n_kinds == 1 else f"{n_kinds} kinds"
        return f"{n_found:,} of {n_images:,} {each} findings, of {kinds}."
