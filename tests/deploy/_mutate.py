"""Forged bundles by the hundred: seeded changes of honest files."""

import copy
import io
import json
import random
from zipfile import ZipFile, ZipInfo

NUMBERS = ["1000000000", "-1", "0", "300000", "1e308", "NaN", "-1e999", "true", "null"]
KINDS = "CachedNode DictNode FunctionNode JsonNode ListNode NdArrayNode ObjectNode"
KINDS = [*KINDS.split(), "PartialNode", "SparseMatrixNode", "TreeNode", "TypeNode"]
CLASSES = [
    ("imgfeat.features", "HOG"),
    ("sklearn.tree._tree", "Tree"),
    ("numpy", "ndarray"),
    ("sklearn.svm._classes", "SVC"),
    ("builtins", "list"),
]
HEADERS = [b"(4000000000,)", b"(0, 99999999)", b"(-1,)", b"()", b"(1, 1, 1)", b"(("]


def forge(manifest, parts, seed):
    """Change a bundle in one to three ways that `seed` draws, in place."""
    rng = random.Random(seed)
    for _ in range(rng.randint(1, 3)):
        change = rng.choice([_graph, _graph, _graph, _array, _golden, _manifest])
        change(manifest, parts, rng)


def _graph(manifest, parts, rng):
    def edit(members):
        schema = json.loads(members["schema.json"])
        places = list(_places(schema))
        holder, key = rng.choice(places)
        rng.choice(_EDITS)(holder, key, places, rng)
        members["schema.json"] = json.dumps(schema).encode()

    parts["model.skops"] = _edited(parts["model.skops"], edit)


def _number(holder, key, places, rng):
    leaves = [(h, k) for h, k in places if h[k].get("__loader__") == "JsonNode"]
    holder, key = rng.choice(leaves)
    holder[key]["content"] = rng.choice(NUMBERS)


def _swap(holder, key, places, rng):
    other, place = rng.choice(places)
    holder[key] = copy.deepcopy(other[place])


def _share(holder, key, places, rng):
    other, place = rng.choice(places)
    holder[key]["__id__"] = other[place].get("__id__")


def _kind(holder, key, places, rng):
    holder[key]["__loader__"] = rng.choice(KINDS)


def _claim(holder, key, places, rng):
    holder[key]["__module__"], holder[key]["__class__"] = rng.choice(CLASSES)


def _remove(holder, key, places, rng):
    del holder[key][rng.choice(list(holder[key]))]


def _drop(holder, key, places, rng):
    del holder[key]


def _retype(holder, key, places, rng):
    field = rng.choice(list(holder[key]))
    holder[key][field] = rng.choice([None, [], {}, "x", 7, [[]], {"a": 1}])


def _double(holder, key, places, rng):
    node = holder[key]
    for _ in range(12):
        node = {
            "__loader__": "ListNode",
            "__module__": "builtins",
            "__class__": "list",
            "content": [node, {**node, "content": []}],
        }
    holder[key] = node


_EDITS = [_number, _number, _swap, _share, _kind, _claim, _remove, _drop, _retype]
_EDITS.append(_double)


def _array(manifest, parts, rng):
    def edit(members):
        names = [name for name in members if name.endswith(".npy")]
        if names:
            name = rng.choice(names)
            members[name] = _lie(members[name], rng)

    parts["model.skops"] = _edited(parts["model.skops"], edit)


def _golden(manifest, parts, rng):
    name = rng.choice([name for name in parts if name != "model.skops"])
    parts[name] = _lie(parts[name], rng)


def _lie(data, rng):
    """Cut an array, change its bytes, or let its header say something else."""
    kind = rng.randrange(4)
    if kind == 0:
        return data[: rng.randrange(len(data))]
    if kind == 1:
        place = rng.randrange(len(data))
        return data[:place] + bytes([rng.randrange(256)]) + data[place + 1 :]
    start, stop = data.find(b"'shape': ") + 9, data.find(b", }")
    if kind == 2 or not 9 < start < stop:
        tail = len(data) // 2
        return data[:tail] + rng.randbytes(len(data) - tail)
    shape = rng.choice(HEADERS)
    return data[:start] + shape.ljust(stop - start)[: stop - start] + data[stop:]


def _manifest(manifest, parts, rng):
    key = rng.choice(list(manifest))
    if key in ("parts", "format"):
        key = "versions"
    manifest[key] = rng.choice([None, [], {}, "x", -1, True, 10**30, {"a": [1]}])


def _places(schema):
    """Yield ``(holder, key)`` of every node but the outermost."""
    waiting = [schema]
    while waiting:
        thing = waiting.pop()
        pairs = thing.items() if isinstance(thing, dict) else enumerate(thing)
        for key, value in pairs:
            if isinstance(value, dict | list):
                waiting.append(value)
            if isinstance(value, dict) and "__loader__" in value:
                yield thing, key


def _edited(data, edit):
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        edit(members)
    except (ValueError, KeyError, IndexError, AttributeError):
        return data  # an earlier change left nothing to edit
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(ZipInfo(name), content)
    return buffer.getvalue()
