"""Damaged JPEG and WebP files: how many are refused, and how fast sound ones are read.

Photographs of IMGFEAT_DATA's ``hymenoptera.tar`` as they are, and encoded anew at
several qualities and subsamplings, baseline and progressive, and as WebP.

- "cut": the file ends somewhere behind its header, half of them with an end marker.
- "overwritten": 16 to 4,096 bytes behind the header are random, zeros, or of another
  place of the file. JPEG has no checksum: a decoder can fall into step again and count
  as many blocks as it should, and nobody can tell.

Accepted is what `decode_image` gives pixels for; wrong, if more than 1 % of them differ
from those of the sound file. Pillow, with its own refusal of truncated files, is the
peer. The rate is of sound JPEG files in memory, in one thread, in turns.

    IMGFEAT_DATA=FOLDER python -m benchmarks.bench_decode --json PATH
"""

import argparse
import io

import numpy as np
from PIL import Image

from benchmarks._data import unpacked
from benchmarks._timing import race, save
from imgfeat.sources import ImageDecodeError, decode_image

SEED = 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument("--n-damaged", type=int, default=3000)
    parser.add_argument("--n-sound", type=int, default=5000)
    options = parser.parse_args()
    rng = np.random.default_rng(SEED)
    with unpacked("hymenoptera.tar") as folder:
        paths = sorted(folder.rglob("*.jpg"))
        photos = [path.read_bytes() for path in paths]
    photos = [content for content in photos if content.startswith(b"\xff\xd8")]
    results = {
        "sound": _read_sound(photos, options.n_sound, rng),
        **{
            f"{kind} {how}": _read_damaged(photos, kind, how, options.n_damaged, rng)
            for kind in ("JPEG", "WEBP")
            for how in ("cut", "overwritten")
        },
        "rate": race("sound JPEG files", _contenders(photos[:60])),
    }
    if options.json:
        save(options.json, results)


def _read_sound(photos, n, rng):
    """Files of many kinds: all have to be read, to Pillow's pixels."""
    refused = different = 0
    for _ in range(n):
        content = _encode(photos[rng.integers(len(photos))], "JPEG", rng)
        try:
            pixels = decode_image(content, mode="rgb")
        except ImageDecodeError:
            refused += 1
            continue
        expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
        different += not np.array_equal(pixels, expected)
    print(f"{n} sound files: {refused} refused, {different} with other pixels")
    return {"n": n, "refused": refused, "other_pixels": different}


def _read_damaged(photos, kind, how, n, rng):
    n = n // 4
    found = {"n": n, "accepted_wrong": 0, "pillow_accepted_wrong": 0}
    for _ in range(n):
        content = _encode(photos[rng.integers(len(photos))], kind, rng)
        expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
        damaged = (_cut if how == "cut" else _overwrite)(content, kind, rng)
        found["accepted_wrong"] += _is_wrong(_ours, damaged, expected)
        found["pillow_accepted_wrong"] += _is_wrong(_pillows, damaged, expected)
    shares = {name: f"{100 * count / n:.2f} %" for name, count in found.items()}
    del shares["n"]
    print(f"{kind} {how}, {n} files: {shares}", flush=True)
    return found


def _encode(photo, kind, rng):
    image = Image.open(io.BytesIO(photo)).convert("RGB")
    side = int(rng.integers(64, 256))
    image = image.resize((side, side * 3 // 4))
    buffer = io.BytesIO()
    how = {"quality": int(rng.integers(40, 96))}
    if kind == "JPEG":
        how |= {
            "subsampling": int(rng.integers(3)),
            "progressive": bool(rng.integers(2)),
            "restart_marker_rows": int(rng.integers(3)),
        }
    image.save(buffer, kind, **how)
    return buffer.getvalue()


def _start(content, kind):
    """Where the pixels begin."""
    return content.index(b"\xff\xda") + 14 if kind == "JPEG" else 40


def _cut(content, kind, rng):
    place = int(rng.integers(_start(content, kind), len(content) - 8))
    end = b"\xff\xd9" if kind == "JPEG" and rng.integers(2) else b""
    return content[:place] + end


def _overwrite(content, kind, rng):
    start = _start(content, kind)
    n = min(int(16 * 2 ** rng.uniform(0, 8)), (len(content) - start) // 2)
    place = int(rng.integers(start, len(content) - n - 2))
    other = int(rng.integers(start, len(content) - n))
    new = [rng.bytes(n), bytes(n), content[other : other + n]][rng.integers(3)]
    return content[:place] + new + content[place + n :]


def _ours(content):
    return decode_image(content, mode="rgb")


def _pillows(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def _is_wrong(read, damaged, expected):
    """Whether pixels come that are not those of the sound file."""
    try:
        pixels = read(damaged)
    except (ValueError, OSError, SyntaxError):
        return False
    if pixels.shape != expected.shape:
        return True
    return bool((pixels != expected).any(axis=2).mean() > 0.01)


def _contenders(photos):
    return {
        "decode_image": (len(photos), lambda: list(map(_ours, photos))),
        "Pillow": (len(photos), lambda: list(map(_pillows, photos))),
    }


if __name__ == "__main__":
    main()
