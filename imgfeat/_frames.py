"""Tables of any text: names of files and classes need not be UTF-8.

What pandas keeps in pyarrow must be, and it takes pyarrow for text where that is
installed. So tables of ours keep text as Python does.
"""

import threading
from collections.abc import Callable
from typing import Any

import pandas as pd

_lock = threading.RLock()


def make_frame(*args: Any, **kwargs: Any) -> pd.DataFrame:
    """Do as ``pd.DataFrame``."""
    return _with_any_text(pd.DataFrame, *args, **kwargs)


def make_series(*args: Any, **kwargs: Any) -> pd.Series:
    """Do as ``pd.Series``."""
    return _with_any_text(pd.Series, *args, **kwargs)


def make_index(*args: Any, **kwargs: Any) -> pd.Index:
    """Do as ``pd.Index``."""
    return _with_any_text(pd.Index, *args, **kwargs)


def _with_any_text(make: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    # pandas has its options for all threads at once.
    with _lock, pd.option_context("mode.string_storage", "python"):
        return make(*args, **kwargs)
