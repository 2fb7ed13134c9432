"""What requests and responses look like, for OpenAPI."""

from typing import Any

from pydantic import BaseModel


class Problem(BaseModel):
    """Why there is no answer, in words."""

    error: str


class Labelled(BaseModel):
    """One image with its label, or with what is wrong with it."""

    name: str | None
    label: Any = None
    probability: float | None = None
    probabilities: dict[str, float] | None = None
    labels: list[Any] | None = None
    unknown: bool = False
    set: list[Any] | None = None
    score: float | None = None
    error: str | None = None


class Predictions(BaseModel):
    """Images in the order of the request; ``error`` where none could be labelled."""

    model: str
    results: list[Labelled]
    error: str | None = None


class Described(BaseModel):
    """One image as a vector, or what is wrong with it."""

    name: str | None
    vector: list[float] | None = None
    error: str | None = None


class Embeddings(BaseModel):
    """Images in the order of the request; ``error`` where none could be described."""

    model: str
    results: list[Described]
    error: str | None = None


class Health(BaseModel):
    """``status`` is "live", "ready", or why not."""

    status: str


class ModelNames(BaseModel):
    """The models that can be asked, by name."""

    models: list[str]


_IMAGE = {"type": "string", "format": "binary"}
_BASE64 = {"type": "string", "format": "byte"}
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {"files": {"type": "array", "items": _IMAGE}},
                }
            },
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["images"],
                    "properties": {
                        "images": {"type": "array", "minItems": 1, "items": _BASE64}
                    },
                }
            },
            "image/*": {"schema": _IMAGE},
        },
    }
}

_WORDS = {
    400: "The request cannot be read, or must name a model.",
    401: "The key is missing or wrong.",
    404: "There is no model of this name, or it cannot do this.",
    408: "The body did not come in time.",
    413: "The body, the number of files or of pixels is too large.",
    415: "The body is of another kind.",
    422: "There is no image, or none that can be read.",
    503: "Too much waits, or models are being loaded; Retry-After says when to come.",
    504: "There was no answer in time.",
}


def problems(*statuses):
    """The responses of an endpoint that are none of 200."""
    return {
        status: {"model": Problem, "description": _WORDS[status]} for status in statuses
    }
