"""What a function or a class does, told without running it, for keys of caches.

What comes from an installed package is known by its name and version. Someone's own
code, edited as they go, is known by its bytecode and by all that this reaches: globals,
what closures hold, members of own modules, and these in turn.
"""

import builtins
import dis
import functools
import importlib
import inspect
import operator
import platform
import re
import sys
import types
from importlib import metadata
from itertools import chain

import imgfeat
from imgfeat._public_names import public_name
from imgfeat.sources._source import hash_parts

LRU_CACHE = type(functools.cache(len))
# Members of classes that Python and scikit-learn set, and that compute nothing.
_NOT_CODE = re.compile(
    r"__(module|qualname|doc|dict|weakref|slotnames|annotations|annotate|annotate_func"
    r"|annotations_cache|abstractmethods|firstlineno|static_attributes|orig_bases"
    r"|parameters|match_args|dataclass_fields|dataclass_params|hash)__"
    r"|_abc_impl|_parameter_constraints|set_\w+_request"
)
_SLOTS = (types.MemberDescriptorType, types.GetSetDescriptorType)
_FACTS = (
    "co_argcount",
    "co_posonlyargcount",
    "co_kwonlyargcount",
    "co_flags",
    "co_names",
    "co_varnames",
    "co_freevars",
    "co_cellvars",
)


def version_of(module_name):
    """The version of the installed package that something is from, None for own code.

    A folder of one's own is edited without a new version, whatever it says of itself.
    """
    top = (module_name or "").partition(".")[0]
    if top == "imgfeat":
        return imgfeat.__version__
    if top in sys.stdlib_module_names and top != "__main__":
        return platform.python_version()
    file = getattr(sys.modules.get(top), "__file__", None) or ""
    if not re.search(r"[/\\](site|dist)-packages[/\\]", file):
        return None
    return getattr(sys.modules[top], "__version__", None) or installed_version(top)


@functools.cache
def installed_version(name):
    """The version of a distribution, None if there is none of that name."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def packaged(value):
    """What is found by its name in an installed package: that name, and the version.

    Returns
    -------
    dict, or None
        None for all else.
    """
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", "")
    # Functions in C need not know where they are from.
    for place in (module,) if module else ("numpy", "scipy.special", "cv2"):
        try:
            found = operator.attrgetter(name)(sys.modules[place])
        except (AttributeError, KeyError, TypeError):
            continue
        if found is value and (version := version_of(place)):
            return {"function": f"{place}.{name}", "version": version}
    return None


def class_facts(kind, describe):
    """What a class computes.

    Parameters
    ----------
    kind : type
    describe : callable
        Describes a value that the class refers to; gets it and what messages call it.
    """
    if version := version_of(kind.__module__):
        return {"class": public_name(kind), "version": version}
    bases = [
        [public_name(base), version_of(base.__module__) or _members(base, describe)]
        for base in kind.__mro__
        if base is not object
    ]
    return {"class": public_name(kind), "bases": bases}


def _members(kind, describe):
    return [
        [name, describe(member, f"{kind.__qualname__}.{name}")]
        for name, member in sorted(vars(kind).items())
        if not _NOT_CODE.fullmatch(name) and not isinstance(member, _SLOTS)
    ]


def function_facts(function, describe):
    """What a Python function computes; arguments as for `class_facts`."""
    name = function.__qualname__
    extras = {
        "defaults": function.__defaults__,
        "keyword defaults": function.__kwdefaults__,
        # Its decorator's function is in a closure too, but need not be.
        "attributes": dict(sorted(vars(function).items())),
    }
    variables = function.__code__.co_freevars
    cells = zip(variables, function.__closure__ or (), strict=True)
    return {
        "function": public_name(function),
        "code": _code_facts(function.__code__, name, describe),
        "extras": describe(extras, name),
        "closure": [
            describe(_content(cell), f"{variable!r} of {name}")
            for variable, cell in cells
        ],
        "globals": _globals(function, describe),
    }


def descriptor_facts(descriptor, describe):
    """What a property, a static method or the like computes."""
    # Static methods copy the attributes of their function, beside holding it.
    parts = dict(getattr(descriptor, "__dict__", {})) | {
        part: getattr(descriptor, part)
        for part in ("fget", "fset", "fdel", "__func__")
        if hasattr(descriptor, part)
    }
    name = public_name(type(descriptor))
    # A lock, as old cached properties have one, is no part of what is computed.
    parts = {part: value for part, value in parts.items() if part not in _NOT_PARTS}
    kind = describe(type(descriptor), name)
    return {"descriptor": kind, "parts": describe(parts, name)}


_NOT_PARTS = {"lock", "__doc__", "__name__", "__module__", "__qualname__"}


def _code_facts(code, owner, describe):
    digest = hash_parts(
        b"code",
        *(repr(getattr(code, fact)).encode() + b"\0" for fact in _FACTS),
        hash_parts(b"bytecode", code.co_code),
        hash_parts(b"exceptions", code.co_exceptiontable),
    )
    constants = [
        _code_facts(constant, owner, describe)
        if isinstance(constant, types.CodeType)
        else describe(constant, owner)
        for constant in code.co_consts
    ]
    return [digest.hex(), constants]


def _globals(function, describe):
    """The globals that a function mentions, and the modules that it imports."""
    scope = function.__globals__
    if version := version_of(scope.get("__name__")):
        return version
    codes = list(_with_nested(function.__code__))
    mentioned = set(chain.from_iterable(code.co_names for code in codes))
    names, imported = set(), []
    for instruction in chain.from_iterable(map(dis.get_instructions, codes)):
        if instruction.opname in {"LOAD_GLOBAL", "LOAD_NAME"}:
            names.add(instruction.argval)
        elif instruction.opname == "IMPORT_NAME":
            imported.append(instruction.argval)
    owner = function.__qualname__
    found = []
    for name in sorted(names):
        if name in scope:
            value = scope[name]
            about = (
                module_facts(value, mentioned, describe)
                if inspect.ismodule(value)
                else describe(value, f"the global {name!r} of {owner}")
            )
            found.append([name, about])
        elif not hasattr(builtins, name):
            found.append([name, "missing"])
    for name in sorted(set(imported)):
        found += [
            [name, module_facts(module, mentioned, describe)]
            for module in _modules(name, scope.get("__package__") or "")
        ]
    return found


def module_facts(module, mentioned, describe):
    """A module: its version, or those of its members that code mentions."""
    name = module.__name__
    if version := version_of(name):
        return {"module": name, "version": version}
    members = []
    for member, value in sorted(vars(module).items()):
        if member not in mentioned or member.startswith("__"):
            continue
        about = (
            # Without its own name, for modules that hold each other.
            module_facts(value, mentioned - {member}, describe)
            if inspect.ismodule(value)
            else describe(value, f"{name}.{member}")
        )
        members.append([member, about])
    return {"module": name, "members": members}


def _modules(name, package):
    """A module that code imports, and those around it, as far as they are there."""
    # Whether it was imported before must not matter, and it will be when code runs.
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        part = ".".join(parts[:end])
        for place in dict.fromkeys([part, f"{package}.{part}".strip(".")]):
            try:
                if place and not place.startswith("."):
                    yield importlib.import_module(place)
            except ImportError:
                continue


def _with_nested(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _with_nested(constant)


def _content(cell):
    try:
        return cell.cell_contents
    except ValueError:  # nothing is in it yet
        return "empty"
