"""The ways to run a net that "auto" leaves open, and those that were taken before."""

from imgfeat._cpu import has_bfloat16
from imgfeat._once import warn_once
from imgfeat.nets.inference._engines import ENGINES


def list_choices(engine, precision):
    """Return the ways to run a net on a CPU, the usual one first.

    Parameters
    ----------
    engine, precision : str
        As for `plan_inference`.

    Returns
    -------
    tuple of (engine, precision)
        Of what is installed, and runs in this process. Half precision is among them if
        it is asked for, or if it is left open and the CPU computes in it; torch in
        float32 only if nothing that runs exported nets is there, for it takes four
        times as long.
    """
    kinds = [ENGINES[engine]] if engine != "auto" else ENGINES.values()
    kinds = [kind for kind in kinds if kind.is_here() and not kind.is_cut_off()]

    def by(name):
        return [(kind.name, name) for kind in kinds if name in kind.precisions["cpu"]]

    if precision not in ("auto", "float32"):
        *others, last = by(precision) or [None]
        # The usual one is torch, which imitates what a CPU has no instructions for.
        return tuple(filter(None, [last, *(others if has_bfloat16() else [])]))
    exact = by("float32")
    if any(kind.reads_export for kind in kinds):
        exact = [choice for choice in exact if ENGINES[choice[0]].reads_export]
    half = by("bfloat16") if precision == "auto" and has_bfloat16() else []
    return (*exact[:1], *half, *exact[1:])


def as_fitted(fitted, engine, device):
    """Return what "auto" was when a model was fitted, as far as this machine has it.

    What is learned from embeddings in one precision is for embeddings in that one.

    Parameters
    ----------
    fitted : dict
        ``engine`` and ``precision`` of then.
    engine : str
        As for `plan_inference`.
    device : str

    Returns
    -------
    engine, precision : str
    """
    precision, before = fitted["precision"], ENGINES.get(fitted["engine"])
    if precision not in ("float16", "bfloat16"):
        return engine, "float32"
    if device != "cpu":
        return engine, precision
    if precision == "float16" or not has_bfloat16():
        _warn(precision, f"This CPU does not compute in {precision}", "in float32")
        return engine, "float32"
    if engine != "auto" or before is None or not before.precisions_on(device):
        return engine, precision
    if not before.is_here():
        lacks = f"{before.title} is not installed (pip install 'imgfeat[{before.extra}]"
        _warn(precision, f"{lacks}')", f"in torch in {precision}")
        return "torch", precision
    if before.is_cut_off():
        reason = f"This process was forked from one that has used {before.title}"
        _warn(precision, reason, f"in torch in {precision}")
        return "torch", precision
    return before.name, precision


def _warn(precision, reason, instead):
    warn_once(
        (as_fitted, reason),
        f"This model was fitted with a net that ran in {precision}. {reason}, so the "
        f"net runs {instead}: scores differ a little, and labels where two classes are "
        "close.",
        RuntimeWarning,
    )
