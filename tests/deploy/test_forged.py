"""Forged bundles by the hundred: each is refused, or a pipeline like the honest one.

They are loaded in a child that may take 1 GiB and 5 s for each (more on a machine that
is slow with sound files too), and whose death would name the file.
"""

import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from imgfeat.deploy import save
from imgfeat.deploy._archive import read_bundle
from imgfeat.features import HOG, BagOfVisualWords, DenseSIFT, PatchDictionary
from tests._hangs import HANGS_S
from tests.deploy._forge import rewrite
from tests.deploy._mutate import forge

N_FILES = 360
CHILD = """
import json, resource, signal, sys, time, warnings
from pathlib import Path
warnings.simplefilter("ignore")
from imgfeat.deploy import BundleError, load
files = [Path(line) for line in sys.stdin.read().splitlines()]
for path in files[:N_HONEST]:
    load(path)  # so that imports and compiling are no part of what follows
start = time.process_time()
for path in files[:N_HONEST]:
    load(path)
limit_s = max(5, 20 * (time.process_time() - start))
taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
limit = resource.getrlimit(resource.RLIMIT_AS)[1]
resource.setrlimit(resource.RLIMIT_AS, (taken + (1 << 30), limit))
for path in files[N_HONEST:]:
    signal.setitimer(signal.ITIMER_PROF, limit_s)  # busy, whatever else runs
    try:
        load(path)
        end = "loaded"
    except BundleError:
        end = "BundleError"
    except Exception as error:
        end = repr(error)
    signal.setitimer(signal.ITIMER_PROF, 0)
    print(json.dumps([path.name, end]), flush=True)
"""


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("honest")
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (24, 32, 32), dtype=np.uint8)
    y = np.array(["a", "b", "c"] * 8)
    forest = RandomForestClassifier(2, max_depth=3, random_state=0)
    pipelines = [
        make_pipeline(HOG(), StandardScaler(), PCA(4), SVC()),
        make_pipeline(HOG(), CalibratedClassifierCV(forest, cv=2)),
        make_pipeline(DenseSIFT(), BagOfVisualWords(4, random_state=0), forest),
        make_pipeline(PatchDictionary(8, random_state=0, device="cpu"), forest),
        make_pipeline(HOG(), GridSearchCV(SVC(), {"C": [1, 2]}, cv=2)),
    ]
    paths = []
    for number, pipeline in enumerate(pipelines):
        paths.append(folder / f"{number}.imgfeat")
        save(pipeline.fit(X, y), paths[-1])
    return paths


def test_every_forged_file_is_refused_or_harmless(honest, tmp_path):
    files = list(honest)
    for seed in range(N_FILES):
        path = tmp_path / f"{seed}.imgfeat"
        path.write_bytes(honest[seed % len(honest)].read_bytes())
        rewrite(path, lambda *bundle, seed=seed: forge(*bundle, seed))
        files.append(path)
    done = subprocess.run(
        [sys.executable, "-c", CHILD.replace("N_HONEST", str(len(honest)))],
        input="\n".join(map(str, files)),
        capture_output=True,
        text=True,
        timeout=HANGS_S,
        check=False,
    )
    ends = dict(map(json.loads, done.stdout.splitlines()))
    assert done.returncode == 0, f"died after {list(ends)[-1:]}: {done.stderr[-2000:]}"
    assert len(ends) == N_FILES
    strange = {
        n: end for n, end in ends.items() if end not in ("loaded", "BundleError")
    }
    assert strange == {}
    assert list(ends.values()).count("BundleError") > N_FILES / 2


def test_forging_leaves_no_file_as_it_was(honest, tmp_path):
    manifest, parts = read_bundle(honest[0])
    same = 0
    for seed in range(40):
        forged_manifest, forged_parts = dict(manifest), dict(parts)
        forge(forged_manifest, forged_parts, seed)
        same += (forged_manifest, forged_parts) == (manifest, parts)
    assert same <= 2
