"""The folder of a dataset, which one run writes at a time, and holds nothing else."""

import os
import re
from contextlib import contextmanager

from imgfeat._home import expanded, is_writable
from imgfeat.deploy._locked_file import locked_file
from imgfeat.deploy.datasets._dataset_card import (
    CARD,
    differences,
    part_counts,
    read_card,
    seal_of,
    write_card,
)
from imgfeat.deploy.datasets._part_file import PART_NAME, PartPlace
from imgfeat.deploy.datasets._task import EMBEDDINGS

_LOCK = ".lock"
_UNFINISHED = re.compile(rf"\.({PART_NAME.pattern}|{re.escape(CARD)})\.[0-9a-f]{{32}}")


@contextmanager
def claimed_folder(out, card, *, resume):
    """Make a folder ready for a dataset; nobody else may write it within the block.

    Parameters
    ----------
    out : path
    card : dict
    resume : bool
        Whether a dataset of the same card may be there.

    Yields
    ------
    finished : dict of int to FinishedPart

    Raises
    ------
    ValueError
        If something else is there, or another run writes to it.
    OSError
        If it cannot be written.
    """
    folder = expanded(out)
    if not is_writable(folder):
        raise PermissionError(
            f"A dataset needs a folder that can be written. Got {folder}."
        )
    _refuse_other_things(folder)
    refusal = (
        f"Another run writes to {folder}; wait for its end, or name another folder."
    )
    with locked_file(folder / _LOCK, refusal):
        yield _begin(folder, card, resume)


def find_finished(folder, card):
    """Return a dict from the number of a part to what is known of it, if finished."""
    seal, found = seal_of(card), {}
    has_vectors = card.get("kind") == EMBEDDINGS
    for number, n_rows in enumerate(part_counts(card)):
        part = PartPlace(folder, number).find(n_rows, seal, has_vectors=has_vectors)
        if part is not None:
            found[number] = part
    return found


def _begin(folder, card, resume):
    names = os.listdir(folder)
    for name in filter(_UNFINISHED.fullmatch, names):
        os.unlink(folder / name)  # of a run that was killed
    if CARD not in names:
        write_card(folder, card)
        return {}
    if not resume:
        raise ValueError(
            f"{folder} holds a dataset. Go on with it by resume=True, or name another "
            "folder."
        )
    found = read_card(folder)
    if found != card:
        raise ValueError(
            f"To go on needs what the dataset was begun with. In {folder} differ: "
            f"{differences(found, card)}; give the same, or name another folder."
        )
    return find_finished(folder, card)


def _refuse_other_things(folder):
    names = sorted(os.listdir(folder))
    ours = [name for name in names if PART_NAME.fullmatch(name)]
    others = [
        name
        for name in names
        if name not in (CARD, _LOCK, *ours) and not _UNFINISHED.fullmatch(name)
    ]
    if ours and CARD not in names:
        others = ours
    if others:
        raise ValueError(
            f"A dataset needs a folder for itself. {folder} holds "
            f"{', '.join(others[:3])}{' ...' if len(others) > 3 else ''}; name another."
        )
