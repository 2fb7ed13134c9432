"""The container of a saved file: a sealed zip, written in one step or not at all.

Members are stored without compression, so a file cannot unfold into more than its own
size. The zip comment ends in the SHA-256 of every byte before it: no byte can change,
appear or go missing without notice. The seal finds damage; it is not a signature.
"""

import hashlib
import json
import os
import re
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

from imgfeat._files import is_special, replacing, sweep
from imgfeat._home import is_writable
from imgfeat._typing import PathLike
from imgfeat.deploy._errors import BundleError, one_clear_error

FORMAT = "imgfeat bundle"
FORMAT_VERSION = 2
READABLE = 1, 2
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 4 << 20
MAX_MEMBERS = 10_000
ENTRY = b"PK\x01\x02"  # how each member begins in the directory of a zip

SEAL = b"imgfeat sha256 "
N_HEX = 64
PART = re.compile(
    r"model\.skops|golden/[a-z_]+[0-9]{0,3}\.npy|weights/[0-9a-f]{64}\.safetensors"
)
DAMAGED = "Copy it again from where it was saved, or save the pipeline again."


@contextmanager
def writing_bundle(path, manifest, parts, check):
    """Write a bundle that is at `path` when the block ends, or leave all as it was.

    Parameters
    ----------
    path : Path
    manifest : dict
        Gets ``format``, ``format_version`` and ``parts``.
    parts : dict of str to bytes
    check : callable
        From the path of what was written to a context around the block; whatever that
        raises, and the block too, ends the work.
    """
    manifest = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        **manifest,
        "parts": {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            for name, data in parts.items()
        },
    }
    text = json.dumps(manifest, indent=2, allow_nan=False, ensure_ascii=False)
    path = check_target(path)
    sweep(path)
    with _cannot_write(path), ExitStack() as started:
        file = started.enter_context(replacing(path))
        with ZipFile(file, "w") as archive:
            for name, data in {MANIFEST: text.encode(), **parts}.items():
                # A fixed date, so that equal pipelines give equal files.
                archive.writestr(ZipInfo(name), data)
            archive.comment = SEAL + b"0" * N_HEX
        _close_seal(file)
        started.enter_context(check(file.name))
        unfinished = started.pop_all()
    with unfinished:
        yield
        with _cannot_write(path):
            unfinished.close()


@contextmanager
def _cannot_write(path):
    """Name the file where the block cannot write."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        message = f"Cannot write {path}: {reason}. What was there is unchanged"
        raise OSError(error.errno, message) from error


def read_bundle(path):
    """Return ``(manifest, parts)`` of the bundle at `path`, every hash verified.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        With what to do.
    BundleError
        If the file is not a whole, unchanged bundle that this version reads.
    """
    _check_is_file(path)
    with open(path, "rb") as file, _open_zip(file, path) as archive:
        return _read_members(archive, path)


def read_manifest(path: PathLike) -> dict[str, Any]:
    """Return what the bundle at `path` says of itself; its parts are not read in.

    The seal of the whole file is verified.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, BundleError
        As by `load`.
    """
    path = Path(path)
    _check_is_file(path)
    with open(path, "rb") as file, _open_zip(file, path) as archive:
        if MANIFEST not in archive.namelist():
            raise BundleError(f"{path} has no {MANIFEST}; imgfeat.save writes one.")
        return _parse_manifest(archive, path)


def _check_is_file(path):
    if path.is_dir():
        raise IsADirectoryError(
            f"load needs a file written by imgfeat.save. {path} is a folder; name the "
            "file in it."
        )
    if is_special(path):
        raise BundleError(
            f"load needs a file written by imgfeat.save. {path} is a FIFO, a socket or "
            "a device; copy what comes from it to a file first."
        )
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file {path}; check the name, or write it with imgfeat.save."
        )


def check_target(path: PathLike) -> Path:
    """Refuse a place where `save` could not write; ask before what takes long.

    Parameters
    ----------
    path : path

    Returns
    -------
    Path
        Where a file will be written: what `path` links to, if it is a link.

    Raises
    ------
    OSError
        If it is no place for a file, or nothing can be written there.
    """
    path = Path(os.path.realpath(path))  # a link stays a link, its target changes
    if path.is_dir():
        raise IsADirectoryError(f"save needs a file name. {path} is a folder.")
    if is_special(path):
        raise FileExistsError(
            f"save needs a file name. {path} is a FIFO, a socket or a device, which "
            "would be replaced by a file."
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent}; create it first.")
    if not is_writable(path.parent):
        raise PermissionError(
            f"Cannot write {path}, as nothing can be written to its folder; choose "
            "another."
        )
    return path


def _close_seal(file):
    size = file.seek(0, os.SEEK_END)
    digest = _digest(file, size - N_HEX)
    file.seek(size - N_HEX)
    file.write(digest)
    file.flush()


@contextmanager
def _open_zip(file, path):
    """Yield the zip of a file that is whole."""
    _check_seal(file, path)
    if _count_entries(file) > MAX_MEMBERS:
        raise BundleError(f"{path} has too many members; imgfeat.save writes few.")
    with (
        one_clear_error(f"{path} is not a readable zip file"),
        ZipFile(file) as archive,
    ):
        yield archive


def _check_seal(file, path):
    size = os.fstat(file.fileno()).st_size
    n_tail = len(SEAL) + N_HEX
    file.seek(max(0, size - n_tail))
    tail = file.read(n_tail)
    if size < n_tail or not tail.startswith(SEAL):
        file.seek(0)
        if file.read(2) != b"PK":
            raise BundleError(f"{path} was not written by imgfeat.save.")
        raise BundleError(f"{path} is cut short or damaged: no seal. {DAMAGED}")
    if tail[len(SEAL) :] != _digest(file, size - N_HEX):
        raise BundleError(f"{path} is damaged: its seal does not match. {DAMAGED}")


def _count_entries(file):
    """At least so many members `ZipFile` will list, give or take what looks alike."""
    file.seek(0)
    return sum(chunk.count(ENTRY) for chunk in iter(lambda: file.read(1 << 20), b""))


def _read_members(archive, path):
    members = archive.infolist()
    names = [member.filename for member in members]
    n_bytes = sum(member.file_size for member in members)
    stored = all(
        member.compress_type == 0
        and member.compress_size == member.file_size
        and not member.flag_bits & 1
        for member in members
    )
    file_size = os.fstat(archive.fp.fileno()).st_size
    if not stored or n_bytes > file_size or len(set(names)) < len(names):
        raise BundleError(
            f"{path} has members that are compressed, encrypted, overlapping or "
            "doubled; imgfeat.save writes no such file."
        )
    if MANIFEST not in names:
        raise BundleError(f"{path} has no {MANIFEST}; imgfeat.save writes one.")
    manifest = _parse_manifest(archive, path)
    expected = manifest["parts"]
    strange = sorted(set(names) ^ {MANIFEST, *expected})
    strange += [name for name in expected if not PART.fullmatch(name)]
    if strange:
        raise BundleError(f"{path} has unexpected or missing members: {strange[:5]}.")
    parts = {}
    for name, entry in expected.items():
        data = archive.read(name)
        found = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        if found != entry:
            raise BundleError(f"{path}: {name} does not match its hash. {DAMAGED}")
        parts[name] = data
    return manifest, parts


def _parse_manifest(archive, path):
    if archive.getinfo(MANIFEST).file_size > MAX_MANIFEST_BYTES:
        raise BundleError(f"{path}: {MANIFEST} is larger than 4 MiB.")
    try:
        manifest = json.loads(archive.read(MANIFEST))
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path}: {MANIFEST} is not JSON: {error}.") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BundleError(f"{path} was not written by imgfeat.save.")
    version = manifest.get("format_version")
    if type(version) is not int or version not in READABLE:
        raise BundleError(
            f"This imgfeat reads files of format {FORMAT_VERSION}. {path} has format "
            f"{version!r:.20}; install the imgfeat that wrote it, or a newer one."
        )
    if not isinstance(manifest.get("parts"), dict):
        raise BundleError(f"{path}: {MANIFEST} lists no parts.")
    return manifest


def _digest(file, n_bytes):
    """SHA-256 of the first `n_bytes` of `file`, as hex digits in bytes."""
    digest = hashlib.sha256()
    file.seek(0)
    while n_bytes > 0 and (chunk := file.read(min(n_bytes, 1 << 20))):
        digest.update(chunk)
        n_bytes -= len(chunk)
    return digest.hexdigest().encode()
