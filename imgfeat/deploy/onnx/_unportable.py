"""What is said of a pipeline that no portable file can be made of."""

from typing import NoReturn


class NotPortableError(ValueError):
    """A pipeline cannot be exported, or the exported file answers otherwise."""


def refuse(name: str, step: object, why: str, instead: str) -> NoReturn:
    """Raise a `NotPortableError` that names a step, why it is one, and what to do."""
    kind = type(step).__name__
    which = f"{name!r} ({kind})" if name else f"a {kind}"
    raise NotPortableError(
        f"export_onnx needs steps that plain ONNX operators can do. Got {which}: "
        f"{why}; {instead}, or serve the file that imgfeat.save writes."
    )
