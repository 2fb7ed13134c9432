"""Tests for imgfeat/sources/_audit.py."""

import numpy as np
from PIL import Image

from imgfeat.sources import list_unreadable


def test_unreadable_lists_what_cannot_be_read(tmp_path):
    whole, broken = tmp_path / "whole.png", tmp_path / "broken.jpg"
    Image.new("L", (5, 4)).save(whole)
    broken.write_bytes(b"not an image")
    table = list_unreadable(np.array([str(whole), str(broken)], dtype=object))
    assert table["row"].tolist() == [1]
    assert table["path"].tolist() == [str(broken)]
    assert table["reason"].str.len().gt(5).all()
