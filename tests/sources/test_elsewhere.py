"""Images behind URLs and in archives, where the library asks a file system of paths."""

import tarfile

import numpy as np
import pytest

from imgfeat import load
from imgfeat.deploy import predict_files
from imgfeat.evaluation import audit_images, evaluate
from imgfeat.features import CachedFeatures, CNNEmbedding, ColorHistogram
from imgfeat.sources import _encoded, list_images
from tests._commands import rows_of, run
from tests.sources._batches import members_of, urls_of
from tests.sources._servers import web_server


@pytest.fixture(scope="module")
def paths(photos):
    """Photos of two classes."""
    return [str(path) for path in sorted(photos.glob("*/*"))[8:16]]


@pytest.fixture(params=["URLs", "members"])
def items(request, paths, tmp_path):
    if request.param == "URLs":
        return urls_of(paths)
    return members_of(paths, tmp_path / "photos.tar")


def test_what_is_cached_is_known_again(items, tmp_path, monkeypatch):
    cached = CachedFeatures(ColorHistogram(), location=str(tmp_path / "cache"))
    first = cached.fit_transform(items)
    # Nothing can be read any more, and nothing has to be.
    monkeypatch.setattr(_encoded, "read_url", None)
    monkeypatch.setattr(_encoded, "read_member", None)
    assert np.array_equal(cached.transform(items), first)


def test_they_are_audited_by_their_names(items):
    audit = audit_images(items + items[:1], embeddings=None)
    assert list(audit.images["path"])[:8] == [str(item) for item in items]
    assert not audit.images["error"].any()
    assert (audit.images["format"] != "").all()
    assert set(audit.issues["row"]) >= {0, 8}


def test_they_are_labelled_as_the_files_are(model, items, paths):
    loaded = load(model)
    of_files = list(predict_files(loaded, paths))
    found = list(predict_files(loaded, [*items, items[0]]))
    assert [one.label for one in found[:8]] == [one.label for one in of_files]
    assert [one.path for one in found[:8]] == [str(item) for item in items]
    assert not any(one.error for one in found)


def test_they_are_evaluated_by_their_names(model, items):
    found = evaluate(load(model), items, ["brick"] * 4 + ["grass"] * 4)
    assert set(found.top_mistakes(8)["image"]) <= set(map(str, items))


@pytest.mark.remote
def test_the_command_predict_takes_urls(model, photos):
    with web_server(photos) as (url, _):
        name = sorted(path.relative_to(photos) for path in photos.glob("*/*"))[0]
        items = f"{url}/{name}?token=abcd1234", f"{url}/gone.png"
        done = run("predict", model, *items, code=1)
    assert "abcd1234" not in done.output
    good, bad = rows_of(done)
    assert good["path"].startswith(f"{url}/{name}?")
    assert good["label"] == name.parent.name
    assert bad["path"] == f"{url}/gone.png"
    assert not bad["label"]
    assert bad["error"] == "there is no such file"


@pytest.mark.real_data
def test_photos_in_shards_are_embedded_as_their_files_are(real_data, tmp_path):
    shard = real_data / "hymenoptera.tar"
    members = [image.item for image in next(list_images(shard).chunks(8))]
    with tarfile.open(shard) as archive:
        for member in members:
            archive.extract(member.name, tmp_path, filter="data")
    files = [str(tmp_path / member.name) for member in members]
    net = CNNEmbedding()
    assert np.array_equal(net.transform(members), net.transform(files))
