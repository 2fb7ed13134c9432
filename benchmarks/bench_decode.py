"""What becomes of damaged files, and JPEGs per second against Pillow.

Files are made from photographs of the folder that IMGFEAT_DATA names: in qualities from
40 to 95, baseline and progressive, every subsampling, with and without restart markers.

Damaged ones are cut, or cut with the end marker put back, or a stretch is overwritten
with zeros or noise, anywhere behind the header. "Wrong" is a file that is read although
more than 1 % of its pixels differ from the whole one's. An overwritten lossy WebP can
hardly be told from a sound one: its arithmetic code gives every sequence of bytes a
meaning, and nothing in the file checks it. One in twenty overwritten JPEGs passes too:
its Huffman codes fall into step again, and leave as many blocks as there should be. A
third of those are progressive. The rows name these losses. Sound files must be read,
and be Pillow's pixels to the last bit.

The race decodes the photographs as they are, from memory, in one thread and in turn.

    IMGFEAT_DATA=FOLDER python -m benchmarks.bench_decode --json PATH
"""

import argparse
import io

import numpy as np
from PIL import Image

from benchmarks._data import unpacked
from benchmarks._timing import race, save
from imgfeat.sources import ImageDecodeError, decode_image

MAX_SIDE = 320  # pixels, of the files that are damaged
N_RACED = 60
SUBSAMPLINGS = (0, 1, 2, "4:1:1")
STRETCHES = (64, 512, 4096)  # bytes; a sector and a page among them
DAMAGES = ("cut", "cut, with end marker", "zeros", "noise")


def encode(photo, format, rng):
    """Return a file of one of the kinds that are met with."""
    options = {"quality": int(rng.integers(40, 96))}
    if format == "JPEG":
        options["progressive"] = bool(rng.integers(2))
        options["subsampling"] = SUBSAMPLINGS[rng.integers(len(SUBSAMPLINGS))]
        options["restart_marker_rows"] = int(rng.integers(2))
    file = io.BytesIO()
    photo.save(file, format, **options)
    return file.getvalue()


def header_length(file, format):
    """Where the data starts: behind the first scan's header, or the chunk's."""
    if format == "WEBP":
        return 30
    at = file.index(b"\xff\xda")
    return at + 2 + int.from_bytes(file[at + 2 : at + 4])


def damage(file, format, how, rng):
    """Return `file` with less in it, or other things."""
    at = int(rng.integers(header_length(file, format), len(file) - 2))
    if how == "cut":
        return file[:at]
    if how == "cut, with end marker":
        return file[:at] + (b"\xff\xd9" if format == "JPEG" else b"")
    length = min(int(rng.choice(STRETCHES)), len(file) - 2 - at)
    filler = bytes(length) if how == "zeros" else rng.bytes(length)
    return file[:at] + filler + file[at + length :]


def damaged(photos, n_files, rng):
    """A row for each format and kind of damage."""
    counts = {}
    for number in range(n_files):
        format = ("JPEG", "WEBP")[number % 2]
        how = DAMAGES[number // 2 % len(DAMAGES)]
        whole = encode(photos[number % len(photos)], format, rng)
        row = counts.setdefault((format, how), {"files": 0, "refused": 0, "wrong": 0})
        row["files"] += 1
        try:
            pixels = decode_image(damage(whole, format, how, rng))
        except ImageDecodeError:
            row["refused"] += 1
            continue
        differ = (pixels != decode_image(whole)).any(axis=2)
        row["wrong"] += bool(differ.mean() > 0.01)
    rows = []
    for (format, how), row in counts.items():
        rows.append({"case": "damaged", "format": format, "damage": how, **row})
        print(f"{format:5} {how:22} {row}", flush=True)
    return rows


def sound(photos, n_files, rng):
    """How many are refused, and how many are not Pillow's pixels."""
    row = {"case": "sound", "files": n_files, "refused": 0, "unequal": 0}
    for number in range(n_files):
        format = ("JPEG", "WEBP")[number % 5 == 4]
        file = encode(photos[number % len(photos)], format, rng)
        expected = np.array(Image.open(io.BytesIO(file)).convert("RGB"))
        try:
            row["unequal"] += not np.array_equal(decode_image(file), expected)
        except ImageDecodeError:
            row["refused"] += 1
    print(row, flush=True)
    return row


def pillow(file):
    """Decode as a program without imgfeat would, upright."""
    image = Image.open(io.BytesIO(file))
    image.getexif()
    return np.array(image)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument("--damaged", type=int, default=3000, help="files")
    parser.add_argument("--sound", type=int, default=5000, help="files")
    args = parser.parse_args()

    rng = np.random.default_rng(0)
    with unpacked("hymenoptera.tar", lambda file: file.name.endswith(".jpg")) as folder:
        files = [path.read_bytes() for path in sorted(folder.rglob("*.jpg"))]
    raced = files[:N_RACED]
    photos = [Image.open(io.BytesIO(file)).convert("RGB") for file in files]
    for photo in photos:
        photo.thumbnail((MAX_SIDE, MAX_SIDE))
    results = race(
        "photographs, JPEG",
        {
            "imgfeat": (len(raced), lambda: [decode_image(file) for file in raced]),
            "Pillow": (len(raced), lambda: [pillow(file) for file in raced]),
        },
    )
    results += damaged(photos, args.damaged, rng)
    results.append(sound(photos, args.sound, rng))
    if args.json:
        save(args.json, results)


if __name__ == "__main__":
    main()
