"""Uploads become pixels in threads, and no more at a time than memory has room for."""

import asyncio
import io
import time
from collections import deque
from contextlib import asynccontextmanager, contextmanager
from functools import partial

from imgfeat._threads import count_threads
from imgfeat.deploy.serve._low_priority import low_pool
from imgfeat.deploy.serve._refusals import Refusal
from imgfeat.sources import ImageDecodeError
from imgfeat.sources._decode_error import DECODER_ERRORS, error_text
from imgfeat.sources._formats import identify
from imgfeat.sources._quiet import no_warnings

_SMALL = 1_000_000  # pixels; the queue bounds how many such there are
_ROOM = 4  # images of the most pixels that are in memory at a time


class Decoders:
    """Threads that decode for all requests.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings):
        n_threads = settings.n_threads or count_threads(-1)
        self._pool = low_pool(n_threads, "decode")
        self._limit_s = settings.decode_s
        self._look = partial(_look, max_pixels=settings.max_pixels)
        self._room = _Room(_ROOM * settings.max_pixels)

    def close(self):
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    @asynccontextmanager
    async def reading(self, uploads, read, observe):
        """Decode uploads; their memory is given back at the end of the block.

        Parameters
        ----------
        uploads : list of Upload
        read : callable
            As `Predictor.read`.
        observe : callable
            Told the seconds that each image takes.

        Yields
        ------
        list
            What `read` gave, or an ImageDecodeError.
        """
        try:
            async with asyncio.timeout(self._limit_s):
                looked = await self._all(self._look, uploads, read, observe)
                n_pixels = sum(n for n in looked if isinstance(n, _Large))
                taken = await self._room.take(n_pixels)
        except TimeoutError as error:
            raise self._too_slow() from error
        with taken:
            try:
                async with asyncio.timeout(self._limit_s):
                    yielded = await self._read_large(looked, uploads, read, observe)
            except TimeoutError as error:
                raise self._too_slow() from error
            yield yielded

    async def _read_large(self, looked, uploads, read, observe):
        places = [place for place, n in enumerate(looked) if isinstance(n, _Large)]
        if not places:
            return looked
        large = [uploads[place] for place in places]
        for place, found in zip(
            places, await self._all(_read, large, read, observe), strict=True
        ):
            looked[place] = found
        return looked

    async def _all(self, function, uploads, read, observe):
        loop = asyncio.get_running_loop()
        return await asyncio.gather(
            *(
                loop.run_in_executor(self._pool, function, upload, read, observe)
                for upload in uploads
            )
        )

    def _too_slow(self):
        return Refusal(
            504,
            "decode_time",
            f"The images could not be decoded within {self._limit_s:g} s; send smaller "
            "ones, or fewer.",
        )


class _Large(int):
    """The number of pixels of an image that needs room first."""


def _look(upload, read, observe, max_pixels):
    """Pixels of a small image, the size of a large one, or an error."""
    try:
        n_pixels = count_pixels(upload.content)
    except ImageDecodeError as error:
        return error
    is_small = n_pixels <= _SMALL
    # What `read` refuses on its header needs no room either.
    if is_small or n_pixels > max_pixels:
        return _read(upload, read, observe)
    return _Large(n_pixels)


def _read(upload, read, observe):
    started = time.perf_counter()
    try:
        return read(upload.content)
    except ImageDecodeError as error:
        return error
    finally:
        observe(time.perf_counter() - started)


@no_warnings()
def count_pixels(content):
    """How many pixels an encoded image has, by its header.

    Raises
    ------
    ImageDecodeError
    """
    name = "the image"
    try:
        with io.BytesIO(content) as file:
            width, height = identify(file, name).size
    except ImageDecodeError:
        raise
    except DECODER_ERRORS as error:
        raise ImageDecodeError(name, error_text(error)) from error
    return width * height


class _Room:
    """Pixels that may be in memory; who needs them waits in a queue."""

    def __init__(self, n_pixels):
        self._most = self._free = n_pixels
        self._waiting = deque()

    async def take(self, n_pixels):
        """Wait for room; a request takes all that it needs at once."""
        if n_pixels > self._most:
            raise Refusal(
                413,
                "too_many_pixels",
                f"The images of a request may have {self._most:,} pixels together. Got "
                f"{n_pixels:,}; send several requests.",
            )
        if n_pixels and (self._waiting or n_pixels > self._free):
            ready = asyncio.get_running_loop().create_future()
            entry = n_pixels, ready
            self._waiting.append(entry)
            try:
                await ready
            except asyncio.CancelledError:
                if ready.done() and not ready.cancelled():
                    self._give(n_pixels)
                elif entry in self._waiting:
                    self._waiting.remove(entry)
                raise
        else:
            self._free -= n_pixels
        return self._taken(n_pixels)

    @contextmanager
    def _taken(self, n_pixels):
        try:
            yield
        finally:
            self._give(n_pixels)

    def _give(self, n_pixels):
        self._free += n_pixels
        while self._waiting and self._waiting[0][0] <= self._free:
            n_wanted, ready = self._waiting.popleft()
            if not ready.done():
                self._free -= n_wanted
                ready.set_result(None)
