"""How imgfeat measures time: warm up, repeat, report median and spread."""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import imgfeat
from imgfeat._cpu import cpu_features, cpu_model

PACKAGES = [
    "cleanlab", "numba", "numpy", "onnxruntime", "opencv-python",
    "opencv-python-headless", "openvino", "pillow", "scikit-image", "scikit-learn",
    "simplejpeg", "timm", "torch", "torchvision",
]  # fmt: skip


def measure(function, *, min_repeats=7, min_seconds=1.0):
    """Time ``function()`` after one unmeasured call.

    Returns
    -------
    dict with ``median_s``, ``iqr_s`` (seconds) and ``repeats``
    """
    timings = measure_interleaved(
        {"only": function}, min_repeats=min_repeats, min_seconds=min_seconds
    )
    return timings["only"]


def measure_interleaved(functions, *, min_repeats=7, min_seconds=1.0, pause_s=0.0):
    """Time contenders in turn, A B C A B C, so that a busy moment hits all alike.

    Parameters
    ----------
    functions : dict of str to callable
        Each is called once unmeasured, then once a round.
    min_repeats : int, default=7
        Rounds at least.
    min_seconds : float, default=1.0
        Measured seconds at least of the quickest contender; no more than ten times
        as many rounds as `min_repeats` are spent on it.
    pause_s : float, default=0.0
        Seconds of rest before each measurement, for contenders whose threads wait
        busily for more work when theirs is done, at the cost of the next one.

    Returns
    -------
    dict of str to dict with ``median_s``, ``iqr_s`` (seconds) and ``repeats``
    """
    for function in functions.values():
        function()
    seconds = {name: [] for name in functions}
    rounds = 0
    while rounds < min_repeats or (
        min(map(sum, seconds.values())) < min_seconds and rounds < 10 * min_repeats
    ):
        for name, function in functions.items():
            time.sleep(pause_s)
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
        rounds += 1
    return {name: _summary(values) for name, values in seconds.items()}


def race(case, contenders, *, pause_s=0.0):
    """Time contenders in turn, print and return a row each.

    Parameters
    ----------
    case : str
        What they are given.
    contenders : dict of str to (int, callable)
        Images that a call describes, and the call; the first is ours.
    pause_s : float, default=0.0
        As for `measure_interleaved`.

    Returns
    -------
    list of dict with ``case``, ``name``, ``images_per_s``, ``imgfeat_is_faster_by``
        and what `measure_interleaved` gives
    """
    timings = measure_interleaved(
        {name: function for name, (_, function) in contenders.items()},
        pause_s=pause_s,
    )
    rows = []
    for name, (n_images, _) in contenders.items():
        rate = n_images / timings[name]["median_s"]
        rows.append({"case": case, "name": name, "images_per_s": rate, **timings[name]})
        ratio = rows[0]["images_per_s"] / rate
        rows[-1]["imgfeat_is_faster_by"] = ratio
        print(f"{case:34} {name:34} {rate:11,.1f} images/s {ratio:8.2f}", flush=True)
    return rows


def peak_gib():
    """The largest resident set of this process so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def children_cpu_s():
    """Seconds of CPU of all processes that this one has started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def environment():
    """What a reader needs to judge or repeat a number."""
    return {
        "imgfeat": imgfeat.__version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cpu": cpu_model(),
        "cpu_features": list(cpu_features()),
        "cores": os.cpu_count(),
        "load_1min": round(os.getloadavg()[0], 2),
        "commit": _commit(),
        **_versions(),
    }


def save(path, results):
    """Write ``{"environment": ..., "results": [...]}`` as sorted, strict JSON."""
    record = {"environment": environment(), "results": results}
    text = json.dumps(record, indent=2, sort_keys=True, allow_nan=False)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")


def _summary(seconds):
    low, median, high = statistics.quantiles(seconds, n=4)
    return {"median_s": median, "iqr_s": high - low, "repeats": len(seconds)}


def _versions():
    """Versions of the packages that are installed; from metadata, nothing imported."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _commit():
    command = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout.strip() or None
