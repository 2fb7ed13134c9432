"""Tests for imgfeat/deploy/serve/_decoding.py."""

import asyncio
import threading

import numpy as np
import pytest

from imgfeat.sources import ImageDecodeError, decode_image
from tests.deploy._saved import as_file

pytestmark = pytest.mark.serve
SMALL = as_file(np.zeros((10, 10), dtype=np.uint8))
LARGE = as_file(np.zeros((1001, 1000), dtype=np.uint8))


@pytest.fixture
def decoders():
    from imgfeat.deploy.serve._decoding import Decoders
    from imgfeat.deploy.serve._settings import Settings

    made = []

    def make(**settings):
        made.append(Decoders(Settings(n_threads=2, **settings)))
        return made[-1]

    yield make
    for each in made:
        each.close()


def uploads(*contents):
    from imgfeat.deploy.serve._uploads import Upload

    return [Upload(content) for content in contents]


def test_images_come_in_their_order_with_errors_in_place(decoders):
    async def main():
        times = []
        some = uploads(SMALL, b"", LARGE, b"no image", SMALL)
        async with decoders().reading(some, decode_image, times.append) as read:
            shapes = [getattr(image, "shape", None) for image in read]
            assert shapes == [(10, 10), None, (1001, 1000), None, (10, 10)]
            assert isinstance(read[1], ImageDecodeError)
            assert "not an image" in read[3].reason
        assert len(times) == 3

    asyncio.run(main())


def test_pixels_are_counted_on_the_header():
    from imgfeat.deploy.serve._decoding import count_pixels

    assert count_pixels(LARGE) == 1_001_000
    assert count_pixels(as_file(np.zeros((7, 3, 3), np.uint8), "JPEG")) == 21
    with pytest.raises(ImageDecodeError, match="it is empty"):
        count_pixels(b"")
    with pytest.raises(ImageDecodeError, match="header is damaged"):
        count_pixels(b"\x89PNG\r\n\x1a\n" + bytes(30))


def test_large_images_wait_for_room_in_turn(decoders):
    async def main():
        some = decoders(max_pixels=1_001_000)  # room for four of these
        four = uploads(LARGE, LARGE, LARGE, LARGE)
        first = some.reading(four, decode_image, lambda s: None)
        assert [image.shape for image in await first.__aenter__()] == [(1001, 1000)] * 4
        order = []

        async def read(name, content):
            async with some.reading(uploads(content), decode_image, lambda s: None):
                order.append(name)

        second = asyncio.create_task(read("second", LARGE))
        gone = asyncio.create_task(read("gone", LARGE))
        await read("small", SMALL)
        assert order == ["small"]
        gone.cancel()
        await first.__aexit__(None, None, None)
        await second
        await read("third", LARGE)
        assert order == ["small", "second", "third"]

    asyncio.run(main())


def test_a_request_may_not_want_more_than_there_is(decoders):
    from imgfeat.deploy.serve._refusals import Refusal

    async def main():
        some = decoders(max_pixels=1_001_000)
        five = uploads(LARGE, LARGE, LARGE, LARGE, LARGE)
        with pytest.raises(Refusal, match="may have 4,004,000 pixels together"):
            async with some.reading(five, decode_image, print):
                pass
        async with some.reading(uploads(LARGE), decode_image, lambda s: None) as read:
            assert len(read) == 1

    asyncio.run(main())


def test_decoding_that_takes_too_long_is_refused(decoders):
    from imgfeat.deploy.serve._refusals import Refusal

    go_on = threading.Event()

    async def main():
        some = decoders(decode_s=0.01)

        def slowly(content):
            assert go_on.wait(60)

        with pytest.raises(Refusal, match=r"not be decoded within 0.01 s"):
            async with some.reading(uploads(SMALL), slowly, lambda s: None):
                pass
        go_on.set()

    asyncio.run(main())
