"""What cleanvision and imagededup find in a folder of images, where they are installed.

    python -m venv /tmp/peers
    /tmp/peers/bin/pip install cleanvision==0.3.7 imagededup==0.3.3

and then ``--peers /tmp/peers/lib/python3.11/site-packages``: their folder comes last on
the path, so that what both they and we use is ours.
"""

import itertools
import logging
import sys
import time
from importlib.util import find_spec
from unittest.mock import patch

N_JOBS = 2
# What cleanvision calls the kinds that we have.
CLEANVISION = {
    "one color": "low_information",
    "dark": "dark",
    "bright": "light",
    "blurred": "blurry",
    "odd aspect": "odd_aspect_ratio",
    "odd size": "odd_size",
    "exact duplicate": "exact_duplicates",
    "near duplicate": "near_duplicates",
}


def add_to_path(folder):
    """Let the peers of a folder be imported, after everything else."""
    if folder:
        sys.path.append(str(folder))


def peers():
    """Name and function of each that can be imported; they take paths as text."""
    if find_spec("cleanvision"):
        yield "cleanvision", cleanvision_pairs
    if find_spec("imagededup"):
        yield "imagededup, PHash", imagededup_pairs


def cleanvision_issues(paths):
    """Run all its checks as they are: a table, and the sets of near duplicates."""
    from cleanvision import Imagelab

    lab = Imagelab(filepaths=paths)
    lab.find_issues(n_jobs=N_JOBS, verbose=False)
    return lab.issues, lab.info["near_duplicates"]["sets"]


def cleanvision_pairs(paths):
    """Pairs of near duplicates, and the seconds that all its checks take."""
    start = time.perf_counter()
    _, sets = cleanvision_issues(paths)
    pairs = itertools.chain.from_iterable(itertools.combinations(s, 2) for s in sets)
    return {tuple(sorted(pair)) for pair in pairs}, time.perf_counter() - start


def imagededup_pairs(paths):
    """Pairs that its perceptual hash finds at its own threshold, and the seconds.

    Its net needs weights that it downloads as soon as it is imported; that is left out.
    """
    import torchvision

    bare = torchvision.models.mobilenet_v3_small
    with patch.object(torchvision.models, "mobilenet_v3_small", lambda **_: bare()):
        from imagededup.methods import PHash
    logging.getLogger("imagededup").setLevel(logging.ERROR)

    start = time.perf_counter()
    hasher = PHash(verbose=False)
    hashes = {path: hasher.encode_image(image_file=path) for path in paths}
    found = hasher.find_duplicates(encoding_map=hashes, num_dist_workers=0)
    seconds = time.perf_counter() - start
    pairs = ((path, other) for path, others in found.items() for other in others)
    return {tuple(sorted(pair)) for pair in pairs}, seconds
