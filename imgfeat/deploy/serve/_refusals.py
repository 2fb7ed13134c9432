"""Why a request gets no answer: a status, a cause for the metrics, and words."""

import math


class Refusal(Exception):
    """A request that is refused.

    Parameters
    ----------
    status : int
        Of HTTP.
    cause : str
        One word for the metrics.
    message : str
        What is needed, what came, what to do.
    headers : dict, optional
    """

    def __init__(self, status, cause, message, headers=None):
        super().__init__(message)
        self.status, self.cause, self.message = status, cause, message
        self.headers = headers or {}


def too_busy(cause, message, retry_after_s=1.0):
    """The one that says when to come back."""
    seconds = max(1, math.ceil(retry_after_s))
    return Refusal(503, cause, message, {"Retry-After": str(seconds)})


def too_large(limit, what="The body of a request"):
    return Refusal(
        413,
        "too_large",
        f"{what} may have {limit:,} bytes here. Got more; send less at once.",
    )


def sentence(words):
    """Words with an end, which those of others may have or not."""
    return words if words.endswith((".", "!", "?")) else f"{words}."


def no_image():
    return Refusal(
        422,
        "no_image",
        "There is no image in the request. Send files as multipart/form-data, one "
        "image as the body with its Content-Type, or JSON with base64 in 'images'.",
    )
