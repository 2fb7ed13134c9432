"""Files that `save` never writes: what an accident or an attacker makes of them."""

import hashlib
import json
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from imgfeat.deploy._archive import MANIFEST, N_HEX, SEAL, read_bundle
from imgfeat.deploy._model import dump_model, load_model


def rewrite(path, change):
    """Let ``change(manifest, parts)`` edit the bundle at `path`; make hashes anew."""
    manifest, parts = read_bundle(path)
    change(manifest, parts)
    manifest["parts"] = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        for name, data in parts.items()
    }
    members = {MANIFEST: json.dumps(manifest), **parts}
    write_sealed_zip(path, members.items())


def swap_model(path, change):
    """Change the model in a file, and leave the golden images as they are."""

    def edit(manifest, parts):
        pipeline = load_model(parts["model.skops"])
        change(pipeline)
        parts["model.skops"] = dump_model(pipeline)

    rewrite(path, edit)


def write_sealed_zip(path, members, compression=ZIP_STORED):
    """Write ``[(name, bytes), ...]`` as a zip with a true seal."""
    with ZipFile(path, "w", compression) as archive:
        for name, data in members:
            member = ZipInfo(name)
            member.compress_type = compression
            archive.writestr(member, data)
        archive.comment = SEAL + b"0" * N_HEX
    reseal(path)


def reseal(path, data=None):
    """Write `data`, by default what is at `path`, with a seal that matches."""
    body = (path.read_bytes() if data is None else data)[:-N_HEX]
    path.write_bytes(body + hashlib.sha256(body).hexdigest().encode())


def members_of(path):
    """``[(name, bytes), ...]`` of a zip."""
    with ZipFile(path) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]
