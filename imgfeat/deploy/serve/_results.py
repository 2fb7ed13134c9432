"""What a model made of images, as JSON, and counted."""

from imgfeat.deploy.serve._plain_json import PlainJSON
from imgfeat.deploy.serve._refusals import sentence
from imgfeat.sources import ImageDecodeError


def labelled(service, served, uploads, found):
    """The response of ``/predict``."""
    unknown = service.metrics.unknown.labels(served.name)
    results = []
    for upload, answer in zip(uploads, found, strict=True):
        result = {"name": _name(upload), "error": _error(answer)}
        if result["error"] is None:
            result |= _of_label(answer)
            unknown.inc(answer.is_unknown)
        results.append(result)
    return _response(service, served, "predict", found, results)


def described(service, served, uploads, found):
    """The response of ``/embed``."""
    results = []
    for upload, features in zip(uploads, found, strict=True):
        result = {"name": _name(upload), "error": _error(features)}
        if result["error"] is None:
            result["vector"] = features.vector.tolist()
        results.append(result)
    return _response(service, served, "embed", found, results)


def _of_label(answer):
    result = {
        "label": _plain(answer.label),
        "probability": answer.probability,
        "probabilities": None,
        "unknown": answer.is_unknown,
    }
    if answer.probabilities is not None:
        by_name = {str(label): share for label, share in answer.probabilities.items()}
        result["probabilities"] = by_name
    if answer.labels is not None:
        result["labels"] = list(map(_plain, answer.labels))
    if answer.set is not None:
        result |= {"set": list(map(_plain, answer.set)), "score": answer.score}
    return result


def _response(service, served, task, found, results):
    metrics, name = service.metrics, served.name
    errors = [result["error"] for result in results if result["error"] is not None]
    metrics.images.labels(name, task).inc(len(results) - len(errors))
    for item in found:
        if _error(item) is not None:
            cause = "unreadable" if isinstance(item, ImageDecodeError) else "model"
            metrics.failures.labels(name, cause).inc()
    content = {"model": name, "results": results}
    if len(errors) == len(results):
        content["error"] = sentence(f"No image could be answered: {errors[0]}")
        return PlainJSON(content, 422)
    return PlainJSON(content)


def _error(item):
    return item.reason if isinstance(item, ImageDecodeError) else item.error


def _name(upload):
    """What the client calls it, as text that can be written."""
    if upload.name is None:
        return None
    return upload.name.encode(errors="replace").decode()


def _plain(label):
    return label if isinstance(label, str | int | float | bool | None) else str(label)
