"""Gray values of DICOM: modality, then window, and MONOCHROME1 inverted last."""

import numpy as np


def gray_values(stored, header, value_range=None):
    """Return stored values as 0..1, where 0 is black.

    Parameters
    ----------
    stored : ndarray of integers
        In the byte order of the machine.
    header : pydicom.Dataset
    value_range : tuple of (low, high), optional
        Then values stay in the units of the modality, Hounsfield for one; those of
        MONOCHROME1 are reflected at the middle of the range.

    Returns
    -------
    ndarray of float64, of the shape of `stored`
        Without a table or window, 0 and 1 are the ends of what ``BitsStored`` bits
        hold.

    Raises
    ------
    ValueError
        If a table or the window makes no sense.

    References
    ----------
    DICOM PS3.3, C.11.1 (modality) and C.11.2 (values of interest)
    """
    with np.errstate(all="ignore"):  # who gets them refuses NaN
        if stored.itemsize > 2:
            return _values(stored, header, value_range)
        # Of few possible values, each is computed once.
        index = stored.view(f"u{stored.itemsize}")
        levels = np.arange(256**stored.itemsize).astype(index.dtype)
        return _values(levels.view(stored.dtype), header, value_range)[index]


def has_window(header):
    """Whether a file says itself which of its values are black and white."""
    return bool(header.get("VOILUTSequence")) or None not in _window(header)


def _values(stored, header, value_range):
    measured, ends = _modality(stored.astype(np.float64), header)
    inverted = header.PhotometricInterpretation == "MONOCHROME1"
    if value_range is not None:
        return sum(value_range) - measured if inverted else measured
    unit = _of_interest(measured, ends, header)
    return 1 - unit if inverted else unit


def _modality(stored, header):
    """Values in the units of the modality, and the lowest and highest there are."""
    if header.get("ModalityLUTSequence"):
        values, white = _looked_up(stored, header.ModalityLUTSequence[0], header)
        return values, (0, white)
    low = -(2 ** (header.BitsStored - 1)) if header.PixelRepresentation else 0
    ends = np.array([low, low + 2**header.BitsStored - 1], dtype=np.float64)
    if "RescaleSlope" in header and "RescaleIntercept" in header:
        slope, intercept = float(header.RescaleSlope), float(header.RescaleIntercept)
        stored, ends = stored * slope + intercept, ends * slope + intercept
    return stored, (ends.min(), ends.max())


def _of_interest(values, ends, header):
    """Values as 0..1: by the first table, else the first window, else all there are."""
    if header.get("VOILUTSequence"):
        values, white = _looked_up(values, header.VOILUTSequence[0], header)
        return values / white
    center, width = _window(header)
    if center is None or width is None:
        low, high = ends
        return (values - low) / (high - low)
    function = header.get("VOILUTFunction") or "LINEAR"
    if function == "SIGMOID" and width > 0:
        return 1 / (1 + np.exp(-4 * (values - center) / width))
    if function == "LINEAR" and width >= 1:
        center, width = center - 0.5, width - 1
    elif function != "LINEAR_EXACT" or width <= 0:
        raise ValueError("the window makes no sense")
    unit = np.clip((values - center) / width + 0.5, 0, 1)
    # A width of 0 is a threshold.
    return np.where(values <= center - width / 2, 0, unit)


def _window(header):
    return [_first(header.get(f"Window{part}")) for part in ("Center", "Width")]


def _first(value):
    """A number, or the first of several, or None."""
    if value is None or value == "":
        return None
    return float(value if np.isscalar(value) else value[0])


def _looked_up(values, table, header):
    """Entries of a table, and which of them would be white."""
    n_entries, first, n_bits = table.LUTDescriptor
    n_entries = n_entries or 2**16
    entries = table.LUTData
    if isinstance(entries, bytes):
        order = "<" if header.original_encoding[1] else ">"
        entries = np.frombuffer(entries, f"{order}u2")
    entries = np.atleast_1d(np.asarray(entries, dtype=np.float64))
    if len(entries) != n_entries or not 8 <= n_bits <= 16:
        raise ValueError("the table is of another size than it says")
    index = np.clip(np.rint(values) - first, 0, n_entries - 1)
    return entries[index.astype(np.intp)], 2**n_bits - 1
