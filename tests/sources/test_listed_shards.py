"""Tests for imgfeat/sources/_listed_shards.py: images in tar, read where they lie."""

import io
import tarfile

import numpy as np
import pytest

from imgfeat.sources import ImageDecodeError, ImageReader, decode_image, list_images
from tests.sources._files import encode


def picture(seed):
    return np.random.default_rng(seed).integers(0, 255, (6, 5, 3), dtype=np.uint8)


def member(name, content=b"", **facts):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for fact, value in facts.items():
        setattr(info, fact, value)
    return info, io.BytesIO(content)


def pack(path, *members, **options):
    with tarfile.open(path, "w", **options) as archive:
        for info, content in members:
            archive.addfile(info, content)
    return path


@pytest.fixture
def shards(tmp_path):
    """Two shards of two images, with their classes beside them."""
    for shard in range(2):
        members = []
        for row in range(2):
            seed = 2 * shard + row
            members += [
                member(f"{seed:04}.png", encode(picture(seed))),
                member(f"{seed:04}.cls", str(row).encode()),
            ]
        pack(tmp_path / f"x-{shard:06}.tar", *members)
    return tmp_path


def images_of(listing):
    return [image for chunk in listing.chunks(3) for image in chunk]


@pytest.mark.parametrize("name", ["x-{000000..000001}.tar", "*.tar", ""])
def test_shards_are_listed_and_read_in_place(shards, name):
    listing = list_images(f"{shards}/{name}" if name else shards)
    ids, items = zip(*images_of(listing), strict=True)
    names = ["0/0000", "0/0001", "1/0002", "1/0003"]
    assert ids == tuple(
        f"{shards}/x-00000{name[0]}.tar{name[1:]}.png" for name in names
    )
    assert list(map(str, items)) == list(ids)
    assert "Left out, as they are no images: 4 .cls." in " ".join(listing.notes)
    batch = ImageReader().transform(list(items))
    assert np.array_equal(batch, [picture(seed) for seed in range(4)])


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_are_read(tmp_path, form):
    name = "deep/" * 60 + "käfer.png"
    path = pack(tmp_path / "x.tar", member(name, encode(picture(0))), format=form)
    (image,) = images_of(list_images(path))
    assert image.id == f"{path}/{name}"
    assert np.array_equal(decode_image(image.item), picture(0))


def test_a_shard_cut_off_within_an_image_has_one_bad_row(shards):
    path = shards / "x-000001.tar"
    first = images_of(list_images(path))[0].item
    path.write_bytes(path.read_bytes()[: first.offset + first.size - 7])
    (only,) = images_of(list_images(path))
    assert only.item == first
    with pytest.raises(ImageDecodeError, match=r"0002.png: .* ends 7 bytes too early"):
        decode_image(only.item)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda content: b"", "empty file"),
        (lambda content: b"no tar" * 500, "not a whole tar archive"),
        (lambda content: content[:1024], "no mark of its end"),
        (lambda content: content[:1024] + b"junk" * 500, "no header, and not the end"),
        (lambda content: content + content, "no header, and not the end"),
    ],
    ids=["empty", "other", "cut", "overwritten", "joined"],
)
def test_a_damaged_shard_is_refused_by_name(shards, spoil, reason):
    path = shards / "x-000001.tar"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(
        ImageDecodeError, match=rf"Cannot read .*x-000001.tar.*{reason}"
    ):
        list_images(f"{shards}/*.tar")


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (member("a.png", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "a link"),
        (member("a.png", type=tarfile.LNKTYPE, linkname="b.png"), "a link"),
        (member("a.png", type=tarfile.FIFOTYPE), "a link or a device"),
        (member("/a.png", b"1"), "leads out"),
        (member("b/../../a.png", b"1"), "leads out"),
    ],
    ids=["symlink", "hard link", "pipe", "absolute", "above"],
)
def test_odd_members_are_refused_by_the_shard(tmp_path, odd, reason):
    path = pack(tmp_path / "x.tar", odd)
    with pytest.raises(ImageDecodeError, match=rf"x.tar: its member .* is .*{reason}"):
        list_images(path)


def test_a_member_that_comes_twice_is_refused(tmp_path):
    twice = [member("a.png", encode(picture(seed))) for seed in range(2)]
    path = pack(tmp_path / "x.tar", *twice)
    with pytest.raises(ValueError, match=r"Got '.*x.tar/a.png' in row 0 and in row 1"):
        list_images(path)


def test_folders_and_litter_in_a_shard_are_no_images(tmp_path):
    path = pack(
        tmp_path / "x.tar",
        member("ant", type=tarfile.DIRTYPE),
        member("ant/._a.png", b"1"),
        member("ant/a.png", encode(picture(0))),
    )
    assert [image.id for image in images_of(list_images(path))] == [f"{path}/ant/a.png"]


def test_compressed_shards_and_mixtures_are_refused(shards):
    (shards / "y.tar.gz").write_bytes(b"")
    with pytest.raises(ValueError, match=r"not compressed.* Got .*y.tar.gz; unpack it"):
        list_images(shards / "y.tar.gz")
    (shards / "a.png").write_bytes(encode(picture(0)))
    with pytest.raises(ValueError, match="Got 1 images and 3 shards"):
        list_images(f"{shards}/*")
    assert len(list_images(shards)) == 1


def test_identity_changes_with_the_shards(shards):
    identity = list_images(shards).identity
    assert list_images(shards).identity == identity
    pack(shards / "x-000001.tar", member("0002.png", encode(picture(7))))
    assert list_images(shards).identity != identity
