"""People who are known, by the features of a few images of each."""

import json
from pathlib import Path

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open
from sklearn.utils.validation import check_is_fitted

from imgfeat._files import is_special, write_atomic
from imgfeat.estimators.verification._likeness import of_all

_FORMAT = "imgfeat gallery 1"
_CHUNK = 256
_UNIT = 1e-3  # how far from 1 the length of a row may be


class Gallery:
    """People to be identified, who are added and forgotten one by one.

    Parameters
    ----------
    verifier : PairVerifier
        Fitted. It describes the images; only their features are kept.

    See Also
    --------
    PairVerifier.identify : Who of a gallery is on an image.

    Notes
    -----
    A file has the features of all images, 4 bytes a number, and the names of people.
    It is read without running anything of it, by a copy of the verifier that wrote it:
    one that was saved and loaded, or fitted alike. Features of faces are personal data,
    as the images are: whoever has the file and the verifier can look for the people.

    Examples
    --------
    >>> from imgfeat import load_sample
    >>> from imgfeat.estimators import Gallery, PairVerifier
    >>> from imgfeat.features import HOG
    >>> digits = load_sample("digits")
    >>> hog = HOG(pixels_per_cell=(4, 4), cells_per_block=(1, 1))
    >>> verifier = PairVerifier(hog, false_accept_rate=0.01)
    >>> verifier = verifier.fit(digits.images[:400], digits.target[:400])
    >>> gallery = Gallery(verifier).add("zero", digits.images[[0, 10, 20]])
    >>> verifier.identify(gallery, digits.images[[30, 1]])["person"].tolist()
    ['zero', 'unknown']
    """

    def __init__(self, verifier):
        self.verifier = verifier
        self._rows = {}  # by person

    @property
    def people(self) -> list:
        """Who is in it, in the order in which they came."""
        return list(self._rows)

    def __len__(self):
        return len(self._rows)

    def __contains__(self, person):
        return person in self._rows

    def __repr__(self):
        n_images = sum(map(len, self._rows.values()))
        return f"<Gallery: {len(self)} people, {n_images} images>"

    def add(self, person, images) -> "Gallery":
        """Add images of a person, who may be in it already.

        Parameters
        ----------
        person : str or int
            All text or all numbers.
        images : images
            A batch; put one image in a list.

        Returns
        -------
        self : Gallery

        Raises
        ------
        ImageDecodeError
            If an image cannot be read; nothing is added then.
        TypeError
            If `person` is neither text nor a number, or not what the others are.
        ValueError
            If the features of an image have no direction.
        """
        check_is_fitted(self.verifier)
        person = person.item() if isinstance(person, np.generic) else person
        _check_people([*self._rows, person], "Gallery")
        rows = self.verifier.describe(images)
        if person in self._rows:
            rows = np.concatenate([self._rows[person], rows])
        self._rows[person] = rows
        return self

    def forget(self, person) -> "Gallery":
        """Remove all images of a person.

        Parameters
        ----------
        person : str or int

        Returns
        -------
        self : Gallery

        Raises
        ------
        KeyError
            If nobody has this name.
        """
        if person not in self._rows:
            raise KeyError(f"Gallery has nobody called {person!r} to forget.")
        del self._rows[person]
        return self

    def save(self, path) -> None:
        """Write it to a file, whole or not at all.

        Parameters
        ----------
        path : path

        Raises
        ------
        ValueError
            If there is nobody in it.
        """
        self._refuse_none()
        counts = [len(rows) for rows in self._rows.values()]
        arrays = {
            "rows": np.concatenate(list(self._rows.values())),
            "person": np.repeat(np.arange(len(self), dtype=np.int64), counts),
        }
        about = {
            "format": _FORMAT,
            "key": self.verifier.key_,
            "people": json.dumps(self.people),
        }
        write_atomic(path, safetensors.numpy.save(arrays, about))

    @classmethod
    def load(cls, path, verifier) -> "Gallery":
        """Read what `save` wrote.

        Parameters
        ----------
        path : path
        verifier : PairVerifier
            Which made it, or one with the same features.

        Returns
        -------
        Gallery

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is damaged, forged, or of other features.
        """
        check_is_fitted(verifier)
        about, arrays = _read(Path(path))
        if about.get("format") != _FORMAT:
            raise ValueError(
                f"{path} is no gallery that this imgfeat reads. Got the format "
                f"{about.get('format')!r:.40}; save it again."
            )
        if about.get("key") != verifier.key_:
            raise ValueError(
                f"{path} is a gallery of other features than those of this verifier. "
                "Load the verifier that was saved with it, or add the people again."
            )
        people = _people_in(about, path)
        _check_arrays(arrays, len(people), verifier, path)
        gallery = cls(verifier)
        rows, codes = arrays["rows"], arrays["person"]
        gallery._rows = {
            person: rows[codes == code] for code, person in enumerate(people)
        }
        return gallery

    def refuse_other(self, verifier) -> None:
        """Raise unless `verifier` has the features of this gallery, and it has some.

        Parameters
        ----------
        verifier : PairVerifier

        Raises
        ------
        ValueError
        """
        self._refuse_none()
        if verifier.key_ != self.verifier.key_:
            raise ValueError(
                "This gallery has features of another verifier. Add its people with "
                "this one: Gallery(verifier)."
            )

    def nearest(self, rows) -> tuple[list, np.ndarray]:
        """Find whose image is most like each of some rows.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features)
            By ``verifier.describe``.

        Returns
        -------
        people : list
            Of equals the first.
        similarity : ndarray of shape (n_rows,)
        """
        own = np.concatenate(list(self._rows.values()))
        starts = np.cumsum([0, *map(len, self._rows.values())])[:-1]
        people, found = self.people, []
        for start in range(0, len(rows), _CHUNK):
            part = rows[start : start + _CHUNK]
            alike = of_all(part, own, self.verifier.metric)
            found.append(np.maximum.reduceat(alike, starts, axis=1))
        best = np.concatenate(found)
        places = best.argmax(axis=1)
        return [people[place] for place in places], best.max(axis=1)

    def _refuse_none(self):
        if not self._rows:
            raise ValueError(
                "Gallery needs people. Got none; add them: add(person, images)."
            )


def _read(path):
    """What a file says of itself, and its arrays, copied."""
    if is_special(path):
        raise ValueError(f"{path} is no file; it cannot be read as a gallery.")
    with path.open("rb"):
        pass  # its absence is told by Python, in words that all know
    try:
        with safe_open(path, framework="numpy") as file:
            # The lengths in its header were found to be true.
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return file.metadata() or {}, arrays
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is damaged, or no gallery: {error}.") from error


def _people_in(about, path):
    try:
        people = json.loads(about["people"])
        _check_people(people, path)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: its people are no list.") from error
    if not people or len(set(people)) < len(people):
        raise ValueError(f"{path} is damaged: its people are none, or some are twice.")
    return people


def _check_people(people, who):
    for kind in (str, int):
        if all(isinstance(one, kind) and not isinstance(one, bool) for one in people):
            return
    raise TypeError(
        f"{who} needs people who are all text or all whole numbers. Got "
        f"{people[-1]!r:.40}, {type(people[-1]).__name__}."
    )


def _check_arrays(arrays, n_people, verifier, path):
    rows, codes = arrays.get("rows"), arrays.get("person")
    is_whole = (
        set(arrays) == {"rows", "person"}
        and rows.dtype == np.float32
        and rows.ndim == 2
        and rows.shape[1] == verifier.n_features_out_
        and codes.dtype == np.int64
        and codes.shape == (len(rows),)
        and np.array_equal(np.unique(codes), np.arange(n_people))
        and bool(np.isfinite(rows).all())
    )
    if is_whole and verifier.metric == "cosine":
        lengths = np.linalg.norm(rows, axis=1)
        is_whole = bool(np.abs(lengths - 1).max() <= _UNIT)
    if not is_whole:
        raise ValueError(
            f"{path} is damaged, or was changed: its arrays do not fit each other, or "
            "the verifier. Add the people again, and save."
        )
