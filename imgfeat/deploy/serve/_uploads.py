"""The images in a request: as files of a form, as its body, or in JSON.

What a client sends is content, never the name of a file or an address to be opened.
"""

import asyncio
import binascii
import json
from base64 import b64decode
from dataclasses import dataclass

from starlette.formparsers import MultiPartException, MultiPartParser

from imgfeat.deploy.serve._refusals import Refusal, no_image

_RAW = ("application/octet-stream",)
_IN_THREAD_BYTES = 200_000
_MOST_VALUES = 10_000  # in JSON; millions of little ones take a gigabyte


@dataclass(frozen=True)
class Upload:
    """An encoded image, and what the client calls it."""

    content: bytes
    name: str | None = None


class _InMemory(MultiPartParser):
    """Keeps files in memory, which bodies fit in; the disk may be read-only."""

    spool_max_size = 1 << 62


async def read_uploads(request, *, max_files):
    """Return the `Upload`s in a request, at least one.

    Parameters
    ----------
    request : starlette Request
    max_files : int

    Raises
    ------
    Refusal
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        uploads = await _files(request, max_files)
    elif kind == "application/json":
        body = await request.body()
        if len(body) > _IN_THREAD_BYTES:
            uploads = await asyncio.to_thread(_in_json, body, max_files)
        else:
            uploads = _in_json(body, max_files)
    elif kind.startswith("image/") or kind in _RAW:
        body = await request.body()
        uploads = [Upload(body)] if body else []
    else:
        raise _unknown_kind(kind)
    if not uploads:
        raise no_image()
    return uploads


async def _files(request, max_files):
    stream = request.stream()
    parser = _InMemory(request.headers, stream, max_files=max_files, max_fields=100)
    try:
        form = await parser.parse()
    except (MultiPartException, ValueError, LookupError) as error:
        if "Too many files" in str(error):
            raise _too_many(max_files) from error
        words = f"The form cannot be read: {error}"[:300]
        raise Refusal(400, "bad_form", words) from error
    uploads = []
    for _, item in form.multi_items():
        if isinstance(item, str):
            continue
        content = await item.read()
        await item.close()
        if content or item.filename:
            uploads.append(Upload(content, item.filename or None))
    return uploads


def _in_json(body, max_files):
    # No sign of these stands in base64.
    if sum(map(body.count, (b",", b"[", b"{"))) > _MOST_VALUES:
        raise Refusal(
            413,
            "bad_json",
            f"JSON may have {_MOST_VALUES:,} values here. Got more; send no more than "
            "images in base64.",
        )
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refusal(
            400, "bad_json", f"The body is not JSON: {error}."[:200]
        ) from error
    images = None
    if isinstance(found, dict):
        images = [found["image"]] if "image" in found else found.get("images")
    if not isinstance(images, list):
        raise Refusal(
            422,
            "bad_json",
            'JSON needs {"image": BASE64} or {"images": [BASE64, ...]}, where BASE64 '
            "is the content of an image file.",
        )
    if len(images) > max_files:
        raise _too_many(max_files, len(images))
    return [Upload(_from_base64(text, place)) for place, text in enumerate(images)]


def _from_base64(text, place):
    try:
        if not isinstance(text, str):
            raise ValueError(f"it is of type {type(text).__name__}")
        if text.startswith("data:"):
            text = text.partition(",")[2]
        return b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise Refusal(
            422,
            "bad_json",
            f"Image {place} is not base64 of an image file: {error}. Paths and "
            "addresses are not opened; send the content.",
        ) from error


def _too_many(max_files, n_files=None):
    got = "Got more" if n_files is None else f"Got {n_files}"
    return Refusal(
        413,
        "too_many_files",
        f"A request may hold {max_files} images here. {got}; send several requests.",
    )


def _unknown_kind(kind):
    if kind.startswith("video/"):
        got = f"Got a video ({kind}); send single frames as images"
    elif kind == "application/x-www-form-urlencoded":
        got = f"Got {kind}; with curl, add -H 'Content-Type: image/jpeg', or use -F"
    else:
        got = f"Got {kind or 'no Content-Type'}"
    return Refusal(
        415,
        "media_type",
        "A request needs images as multipart/form-data, one image as its body with "
        f"Content-Type image/..., or application/json. {got[:150]}.",
    )
