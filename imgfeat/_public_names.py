"""The name by which a class of ours is known outside: in files, in keys of caches."""


def public_name(kind):
    """``"imgfeat.features.HOG"`` for a class of ours, wherever in its room it stands.

    Of anything else it is the module and the qualified name.
    """
    module, name = kind.__module__, kind.__qualname__
    if module.split(".")[0] == "imgfeat":
        module = ".".join(module.split(".")[:2])
    return f"{module}.{name}"
