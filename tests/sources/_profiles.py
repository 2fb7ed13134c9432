"""ICC profiles for the tests, made by hand."""

import itertools
import struct

import numpy as np
from PIL import ImageCms

# What Apple's own profile has: the primaries of P3, adapted to D50.
P3 = np.array(
    [
        [0.51512, 0.29198, 0.15710],
        [0.24120, 0.69225, 0.06657],
        [-0.00105, 0.04189, 0.78407],
    ]
)


def srgb():
    """Return an sRGB profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def colorants(profile):
    """Return the 3 x 3 matrix from linear RGB to XYZ of a profile."""
    tags = _tags(profile)
    columns = [
        struct.unpack_from(">3i", profile, tags[b"%cXYZ" % name][0] + 8)
        for name in b"rgb"
    ]
    return np.transpose(columns) / 65536


def display_p3():
    """Return a Display P3 profile: sRGB's curve with wider primaries."""
    profile = bytearray(srgb())
    tags = _tags(profile)
    for name, column in zip(b"rgb", P3.T, strict=True):
        numbers = np.rint(column * 65536).astype(int)
        struct.pack_into(">3i", profile, tags[b"%cXYZ" % name][0] + 8, *numbers)
    return bytes(profile)


def linear_gray():
    """Return a profile of gray without a curve."""
    return _profile(b"GRAY", b"XYZ ", {b"kTRC": b"curv" + bytes(8)})


def inks():
    """Return a profile of a printer whose four inks are all gray."""
    grid = b"".join(
        bytes([round(255 * (1 - (c + m + y) / 3) * (1 - k)), 128, 128])
        for c, m, y, k in itertools.product((0, 1), repeat=4)
    )
    straight = bytes(range(256))
    matrix = struct.pack(">9i", *(np.eye(3, dtype=int) * 65536).ravel())
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix
    table += straight * 4 + grid + straight * 3
    return _profile(b"CMYK", b"Lab ", {b"A2B0": table})


def _tags(profile):
    """Where each tag starts, and how long it is."""
    (count,) = struct.unpack_from(">I", profile, 128)
    rows = (struct.unpack_from(">4sII", profile, 132 + 12 * at) for at in range(count))
    return {name: (start, length) for name, start, length in rows}


def _profile(space, connection, tags):
    white = struct.pack(
        ">3i", *np.rint(np.array([0.9642, 1, 0.8249]) * 65536).astype(int)
    )
    tags = {b"wtpt": b"XYZ " + bytes(4) + white, **tags}
    table, content = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, body in tags.items():
        table += struct.pack(">4sII", name, start + len(content), len(body))
        content += body + bytes(-len(body) % 4)
    size = start + len(content)
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    header = struct.pack(
        ">I4sI4s4s4s", size, bytes(4), 0x02400000, kind, space, connection
    )
    header += bytes(12) + b"acsp" + bytes(28) + white
    return header.ljust(128, b"\0") + table + content
