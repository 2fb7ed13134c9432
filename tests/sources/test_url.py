"""Tests for imgfeat/sources/_url.py: files behind URLs, without their secrets."""

import os
import sys
import time
import traceback

import numpy as np
import pandas as pd
import pytest

from imgfeat.sources import (
    ImageDecodeError,
    ImageReader,
    decode_image,
    list_images,
    load_image_table,
)
from imgfeat.sources import _timely as timely
from imgfeat.sources import _url as urls
from imgfeat.sources._source import source_of
from tests.sources._files import encode
from tests.sources._servers import Bucket, silent_server, web_server
from tests.sources.test_listed_shards import images_of, member, pack, picture

SECRET = "https://ann:pa55word@h.org/a%20b.png?X-Amz-Signature=abcd1234&v=1"

needs_web = pytest.mark.remote


@pytest.fixture
def bucket():
    """Two images and a text, one of them deeper."""
    bucket = Bucket()
    bucket.put("0.png", encode(picture(0)))
    bucket.put("ant/1.png", encode(picture(1)))
    bucket.put("ant/.hidden.png", b"")
    bucket.put("notes.txt", b"no image")
    return bucket


@pytest.fixture
def web(tmp_path):
    (tmp_path / "0.png").write_bytes(encode(picture(0)))
    with web_server(tmp_path) as (url, asked):
        yield url, asked


@pytest.mark.parametrize(
    ("item", "is_one"),
    [
        ("s3://bucket/a.png", True),
        ("file:///a.png", True),
        ("C://a.png", False),
        ("a.png", False),
        ("://a.png", False),
        (b"s3://a", False),
    ],
)
def test_urls_are_told_from_paths(item, is_one):
    assert urls.is_url(item) == is_one


def test_a_url_is_an_image_of_any_batch(bucket):
    items = [f"{bucket.url}/0.png", f"{bucket.url}/ant/1.png"]
    batch = ImageReader().transform(pd.Series(items))
    assert np.array_equal(batch, [picture(0), picture(1)])
    assert np.array_equal(decode_image(items[1]), picture(1))


def test_a_url_of_a_file_is_that_file(tmp_path):
    path = tmp_path / "a b.png"
    path.write_bytes(encode(picture(0)))
    assert np.array_equal(decode_image(path.as_uri()), picture(0))
    source = source_of(path.as_uri())
    assert source.identity() == source_of(path).identity()
    assert source.path == str(path)
    assert images_of(list_images(tmp_path.as_uri())) == [(str(path), str(path))]


def test_a_table_may_hold_urls(bucket, tmp_path):
    table = pd.DataFrame(
        {"path": [f"{bucket.url}/0.png", "1.png"], "label": ["a", "b"]}
    )
    below = load_image_table(table, root=f"{bucket.url}/ant")
    assert list(below.images) == [f"{bucket.url}/0.png", f"{bucket.url}/ant/1.png"]
    url = bucket.put("labels.csv", b"path,label\n0.png,a\nant/1.png,b\n")
    assert list(load_image_table(url).images) == list(below.images)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("", ["0.png", "ant/1.png"]),
        ("/**/*.png", ["0.png", "ant/1.png"]),
        ("/*", ["0.png"]),
        ("/{ant/1,0}.png", ["ant/1.png", "0.png"]),
        ("/0.png", ["0.png"]),
    ],
)
def test_a_bucket_is_listed_as_a_folder_is(bucket, name, found):
    listed = [image.id for image in images_of(list_images(bucket.url + name))]
    assert [id.partition("bucket")[2].partition("/")[2] for id in listed] == found


def test_tables_and_shards_of_a_bucket_are_listed(bucket, tmp_path):
    url = bucket.put("t.csv", b"path,id\n0.png,a\nant/1.png,b\n")
    items = [f"{bucket.url}/0.png", f"{bucket.url}/ant/1.png"]
    assert images_of(list_images(url)) == list(zip("ab", items, strict=True))
    path = pack(tmp_path / "x.tar", member("7.png", encode(picture(7))))
    url = bucket.put("x-0.tar", path.read_bytes())
    for name in (url, f"{bucket.url}/*.tar", f"{bucket.url}/x-{{0..0}}.tar"):
        (image,) = images_of(list_images(name))
        assert image.id.endswith("/x-0.tar/7.png")
        assert np.array_equal(decode_image(image.item), picture(7))


def test_what_is_missing_in_a_bucket_is_named(bucket):
    with pytest.raises(FileNotFoundError, match=r"no file or folder .*/gone; check"):
        list_images(f"{bucket.url}/gone")
    with pytest.raises(ImageDecodeError, match=r"/gone.csv: there is no such file"):
        list_images(f"{bucket.url}/gone.csv")
    with pytest.raises(ValueError, match="needs image files, or tar shards"):
        list_images(f"{bucket.url}/*.jpg")
    with pytest.raises(ImageDecodeError, match=r"/gone.png: there is no such file"):
        decode_image(f"{bucket.url}/gone.png")
    with pytest.raises(ImageDecodeError, match="Protocol not known: nosuch"):
        decode_image("nosuch://a/b.png")
    with pytest.raises(ImageDecodeError, match="chain of file systems"):
        decode_image("zip://a.png::/b.zip")


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    urls._connected.cache_clear()
    with pytest.raises(ModuleNotFoundError, match=r"s3:// needs a package.* s3fs"):
        decode_image("s3://bucket/a.png")


def test_identity_follows_the_file(bucket):
    url = f"{bucket.url}/0.png"
    first = source_of(url).identity()
    assert first is not None
    assert source_of(url).identity() == first
    bucket.put("0.png", encode(picture(5)))
    assert source_of(url).identity() != first
    assert source_of(f"{bucket.url}/gone.png").identity() is None


def test_files_beyond_the_limit_are_refused(bucket, monkeypatch):
    monkeypatch.setattr(urls, "MAX_REMOTE_BYTES", 10)
    with pytest.raises(ImageDecodeError, match="it has over 10 bytes"):
        decode_image(f"{bucket.url}/0.png")


def test_secrets_of_a_url_are_never_shown():
    shown = urls.shown_url(SECRET)
    assert shown.startswith("https://h.org/a%20b.png?")
    assert urls.shown_url(SECRET + "0") != shown
    for error in (
        ValueError(f"403 Forbidden, url={SECRET!r}"),
        ValueError(f"cannot reach {SECRET.replace('%20', ' ')}"),
        ValueError("signature abcd1234 of ann:pa55word is wrong"),
    ):
        raised = pytest.raises(ImageDecodeError, match=r"https://h.org/a")
        with raised as caught, urls.plainly(SECRET):
            raise error
        said = "".join(traceback.format_exception(caught.value))
        assert "abcd1234" not in said
        assert "pa55word" not in said
    assert source_of(SECRET).name == shown


@needs_web
def test_the_web_is_read_in_one_request(web):
    url, asked = web
    assert np.array_equal(decode_image(f"{url}/0.png"), picture(0))
    assert asked == [("GET", "/0.png")]


@needs_web
def test_failures_of_the_web_are_named(web):
    url, _ = web
    with pytest.raises(ImageDecodeError, match=r"gone.png\?.*: .*(404|no such file)"):
        decode_image(f"{url}/gone.png?token=abcd1234")
    with pytest.raises(ImageDecodeError, match=r"127.0.0.1:9/a.png: .*[Cc]onnect"):
        decode_image("http://127.0.0.1:9/a.png")


@needs_web
def test_identity_of_the_web_is_size_and_date(web, tmp_path):
    url, _ = web
    assert source_of(f"{url}/0.png").identity() is None  # too new to tell
    os.utime(tmp_path / "0.png", (1e9, 1e9))
    first = source_of(f"{url}/0.png").identity()
    assert first is not None
    os.utime(tmp_path / "0.png", (1.1e9, 1.1e9))
    assert source_of(f"{url}/0.png").identity() != first


@needs_web
def test_shards_of_the_web_are_read_in_part(web, tmp_path):
    url, _ = web
    members = [member(f"{seed}.png", encode(picture(seed))) for seed in range(3)]
    pack(tmp_path / "x.tar", *members)
    images = images_of(list_images(f"{url}/x.tar"))
    batch = ImageReader().transform([image.item for image in images])
    assert np.array_equal(batch, [picture(seed) for seed in range(3)])


@needs_web
def test_a_server_that_does_not_answer_is_named_in_time(monkeypatch):
    monkeypatch.setattr(timely, "FIRST_S", 0.3)
    started = time.perf_counter()
    with silent_server() as url:
        with pytest.raises(ImageDecodeError, match=r"a.png: no answer within 0.3 s"):
            decode_image(f"{url}/a.png")
        with pytest.raises(ImageDecodeError, match=r"x.tar: no answer within 0.3 s"):
            list_images(f"{url}/x.tar")
        with pytest.raises(ImageDecodeError, match=r"/: no answer within 0.3 s"):
            list_images(f"{url}/*")
    assert time.perf_counter() - started < 5
