"""Faults of known kinds, planted into a folder of ordinary photos."""

import io
import os
import shutil
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

_ORIENTATION = 0x0112  # the EXIF tag
_TEXT = "image not found"


def encode(photo, format="JPEG", **options):
    """Return a file's content."""
    if format == "JPEG":
        options = {"quality": 90, **options}
    file = io.BytesIO()
    photo.save(file, format, **options)
    return file.getvalue()


def unreadable(photo, rng):
    content = (b"", b"<html>404</html>", rng.bytes(2000), encode(photo)[:200])
    return content[rng.integers(4)], ".jpg"


def truncated(photo, rng):
    format, suffix = (("JPEG", ".jpg"), ("PNG", ".png"))[rng.integers(2)]
    whole = encode(photo, format)
    return whole[: int(len(whole) * rng.uniform(0.3, 0.95))], suffix


def wrong_suffix(photo, rng):
    format, suffix = (("PNG", ".jpg"), ("JPEG", ".png"), ("WEBP", ".jpg"))[
        rng.integers(3)
    ]
    return encode(photo, format), suffix


def tiny(photo, rng):
    longer = int(rng.integers(8, 60))
    photo.thumbnail((longer, longer))
    return encode(photo), ".jpg"


def one_color(photo, rng):
    color = tuple(map(int, rng.integers(0, 256, 3)))
    photo = Image.new("RGB", photo.size, color)
    if rng.integers(2):
        fill = "black" if photo.convert("L").getpixel((0, 0)) > 127 else "white"
        ImageDraw.Draw(photo).text((20, 20), _TEXT, fill=fill)
    return encode(photo), ".jpg"


def dark(photo, rng):
    return encode(_scaled(photo, 0, rng.uniform(0.04, 0.18))), ".jpg"


def bright(photo, rng):
    return encode(_scaled(photo, 255, rng.uniform(0.04, 0.25))), ".jpg"


def low_contrast(photo, rng):
    return encode(_scaled(photo, 128, rng.uniform(0.04, 0.12))), ".jpg"


def blurred(photo, rng):
    if rng.integers(2):
        photo = photo.filter(ImageFilter.GaussianBlur(rng.uniform(5, 12)))
    else:  # enlarged from next to nothing
        size = photo.size
        factor = rng.uniform(10, 16)
        small = photo.resize([round(side / factor) for side in size])
        photo = small.resize(size, Image.Resampling.BICUBIC)
    return encode(photo), ".jpg"


def odd_aspect(photo, rng):
    # Out of the middle: at the rim is often nothing, or nothing in focus.
    size = np.array(photo.size)
    size[rng.integers(2)] = rng.integers(70, 110)
    left, top = (photo.size - size) // 2
    return encode(photo.crop((left, top, left + size[0], top + size[1]))), ".jpg"


def odd_size(photo, rng):
    factor = rng.uniform(3.5, 5)
    return encode(photo.resize([round(side * factor) for side in photo.size])), ".jpg"


def odd_mode(photo, rng):
    mode = ("L", "CMYK", "RGBA", "P", "1")[rng.integers(5)]
    is_jpeg = mode in ("L", "CMYK")
    content = encode(photo.convert(mode), "JPEG" if is_jpeg else "PNG")
    return content, ".jpg" if is_jpeg else ".png"


def rotated(photo, rng):
    exif = Image.Exif()
    exif[_ORIENTATION] = int(rng.integers(2, 9))
    return encode(photo, exif=exif), ".jpg"


def near_copy(photo, rng):
    """A copy that was recompressed, made smaller, cropped, mirrored or retouched."""
    width, height = photo.size
    how = rng.integers(7)
    if how == 0:
        photo = photo.resize((width // 2, height // 2))
    elif how == 1:
        photo = ImageEnhance.Brightness(photo).enhance(rng.uniform(0.7, 1.3))
    elif how == 2:
        left, top = (rng.uniform(0.01, 0.04) * side for side in photo.size)
        photo = photo.crop((int(left), int(top), width - 3, height - 3))
    elif how == 3:
        photo = ImageOps.mirror(photo)
    elif how == 4:
        noise = rng.normal(0, 8, (height, width, 3))
        photo = Image.fromarray(np.uint8(np.clip(photo + noise, 0, 255)))
    elif how == 5:
        ImageDraw.Draw(photo).text((10, height - 20), _TEXT, fill="white")
    else:
        photo = ImageEnhance.Color(photo).enhance(rng.uniform(0.3, 0.8))
    return encode(photo, quality=int(rng.integers(40, 80))), ".jpg"


def turned_copy(photo, rng):
    """A copy that was turned by quarters, or mirrored and turned."""
    turns = (
        Image.Transpose.ROTATE_90,
        Image.Transpose.ROTATE_180,
        Image.Transpose.ROTATE_270,
        Image.Transpose.FLIP_TOP_BOTTOM,
        Image.Transpose.TRANSPOSE,
    )
    turned = photo.transpose(turns[rng.integers(len(turns))])
    return encode(turned, quality=int(rng.integers(40, 80))), ".jpg"


def cropped_copy(photo, rng):
    """A copy that lost 5 to 15 % of its width and of its height, anywhere."""
    kept = [int(side * rng.uniform(0.85, 0.95)) for side in photo.size]
    left, top = (
        int(rng.integers(side - rest + 1))
        for side, rest in zip(photo.size, kept, strict=True)
    )
    cropped = photo.crop((left, top, left + kept[0], top + kept[1]))
    return encode(cropped, quality=int(rng.integers(40, 80))), ".jpg"


SINGLE = {
    "unreadable": unreadable,
    "truncated": truncated,
    "wrong suffix": wrong_suffix,
    "tiny": tiny,
    "one color": one_color,
    "dark": dark,
    "bright": bright,
    "low contrast": low_contrast,
    "blurred": blurred,
    "odd aspect": odd_aspect,
    "odd size": odd_size,
    "odd mode": odd_mode,
    "rotated by EXIF": rotated,
}
DOUBLE = (
    "listed twice",
    "exact duplicate",
    "near duplicate",
    "turned copy",
    "cropped copy",
    "duplicate across labels",
    "duplicate across splits",
)
NEAR = {
    "near duplicate": near_copy,
    "turned copy": turned_copy,
    "cropped copy": cropped_copy,
}


def plant(folder, paths, n_each, rng):
    """Write photos with faults among them.

    Parameters
    ----------
    folder : Path
        Where files are written.
    paths : sequence of Path
        Photos, ``SPLIT/CLASS/NAME``; those that are not used stay as they are.
    n_each : int
        Faults of each kind.
    rng : Generator

    Returns
    -------
    paths : list of str
    labels, splits : list of str
    truth : dict of str to set of int
        The rows of each kind, both of a pair. Turned and cropped copies are near
        duplicates too.
    """
    listed, truth = [], {kind: set() for kind in (*SINGLE, *DOUBLE)}

    def add(path, label, split, *kinds):
        for kind in kinds:
            truth[kind].add(len(listed))
        listed.append((str(path), label, split))

    todo = [kind for kind in truth for _ in range(n_each)]
    order = rng.permutation(len(paths))
    for number, at in enumerate(order):
        source = paths[at]
        split, label = source.parts[-3:-1]
        kind = todo[number] if number < len(todo) else None
        if kind is None:
            add(source, label, split)
        elif kind in SINGLE:
            with Image.open(source) as photo:
                content, suffix = SINGLE[kind](photo.convert("RGB"), rng)
            path = folder / f"{number}{suffix}"
            path.write_bytes(content)
            add(path, label, split, kind)
        else:
            _add_pair(add, folder / f"{number}.jpg", source, kind, rng)
    paths, labels, splits = map(list, zip(*listed, strict=True))
    return paths, labels, splits, truth


def _add_pair(add, path, source, kind, rng):
    split, label = source.parts[-3:-1]
    kinds = [kind]
    if kind == "listed twice":
        again = path if rng.integers(2) else source
        if again is path:
            os.symlink(source, path)
    elif kind in NEAR:
        kinds = sorted({kind, "near duplicate"})
        again = path
        with Image.open(source) as photo:
            path.write_bytes(NEAR[kind](photo.convert("RGB"), rng)[0])
    else:
        kinds = sorted({kind, "exact duplicate"})
        again = path
        if rng.integers(2):
            shutil.copyfile(source, path)
        else:
            again = path.with_suffix(".png")
            with Image.open(source) as photo:
                again.write_bytes(encode(photo.convert("RGB"), "PNG"))
    add(source, label, split, *kinds)
    if kind == "duplicate across labels":
        label = "wasps"
    if kind == "duplicate across splits":
        split = "test"
    add(again, label, split, *kinds)


def ordinary(folder):
    """The photos of a folder as a camera gives them: 500 pixels, no narrow strips."""
    found = []
    for path in sorted(Path(folder).rglob("*.jpg")):
        with Image.open(path) as photo:
            is_usual = max(photo.size) == 500 and min(photo.size) >= 250
            if is_usual and photo.mode == "RGB":
                found.append(path)
    return found


def _scaled(photo, towards, factor):
    pixels = np.asarray(photo, float)
    return Image.fromarray(np.uint8(np.rint(towards + (pixels - towards) * factor)))
