"""What a service may take, and for how long."""

import re
from dataclasses import dataclass, field

from imgfeat.sources._decode import MAX_PIXELS

_KEY = re.compile(r"(?! )[^\x00-\x1f\x7f\ud800-\udfff]+(?<! )")
_ORIGIN = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://[^\sA-Z/?#@]+")


@dataclass(frozen=True)
class Settings:
    """Models, limits and keys of a service.

    Parameters
    ----------
    models : dict of str to str
        Paths of saved models by name.
    max_body_bytes : int
        Of one request, counted as they arrive.
    max_memory_bytes : int
        Of the bodies of all requests that are under way.
    max_files : int
        Images in one request.
    max_pixels : int
        Of one image, told from its header.
    max_queue : int
        Images that are read, wait or run, for each model.
    max_batch : int
        Images in one run.
    gather_s : float
        How long an idle model waits for images that are being read.
    deadline_s : float
        From the whole body to the answer.
    body_s : float
        Until the whole body has come.
    decode_s : float
        Of the deadline, until all images are decoded.
    reload_s : float
        Between two looks at the files of the models; 0 never looks.
    api_key : str, optional
        What clients have to send.
    cors : tuple of str
        Origins whose pages may ask from a browser.
    n_threads : int, optional
        That decode; all cores by default.
    """

    models: dict = field(default_factory=dict)
    max_body_bytes: int = 32_000_000
    max_memory_bytes: int = 256_000_000
    max_files: int = 64
    max_pixels: int = MAX_PIXELS
    max_queue: int = 128
    max_batch: int = 64
    gather_s: float = 0.002
    deadline_s: float = 10.0
    body_s: float = 30.0
    decode_s: float = 5.0
    reload_s: float = 2.0
    api_key: str | None = field(default=None, repr=False)
    cors: tuple = ()
    n_threads: int | None = None

    def __post_init__(self):
        for name in ("max_body_bytes", "max_memory_bytes", "max_files", "max_pixels"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1. Got {self}.")
        for name in self.models:
            if not name.isprintable():
                raise ValueError(
                    f"A model needs a name that can be printed. Got {name!r}; write "
                    "NAME=FILE."
                )
        if self.api_key is not None and not _KEY.fullmatch(self.api_key):
            raise ValueError(
                "api_key needs signs that a header can hold, without blanks around "
                f"them. Got {len(self.api_key)} signs; give another, or none to let "
                "everybody ask."
            )
        for origin in self.cors:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    "cors needs origins as browsers send them, such as "
                    f"https://example.org, or *. Got {origin!r}; leave out what "
                    "follows the host and its port."
                )
        if self.max_queue < self.max_files:
            raise ValueError(
                "max_queue must hold all files of a request, "
                f"max_files={self.max_files}. Got {self.max_queue}."
            )
