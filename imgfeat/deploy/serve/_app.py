"""The web application: what is asked where, and what comes back."""

import asyncio
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Annotated
from urllib.parse import quote

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

import imgfeat
from imgfeat.deploy.serve._guard import Guard, respond
from imgfeat.deploy.serve._head_requests import HeadRequests
from imgfeat.deploy.serve._plain_json import PlainJSON
from imgfeat.deploy.serve._refusals import Refusal, sentence
from imgfeat.deploy.serve._results import described, labelled
from imgfeat.deploy.serve._schema import (
    BODY,
    Embeddings,
    Health,
    ModelNames,
    Predictions,
    Problem,
    problems,
)
from imgfeat.deploy.serve._service import Service
from imgfeat.deploy.serve._uploads import read_uploads
from imgfeat.sources import ImageDecodeError

ModelName = Annotated[
    str | None, Query(description="Which model, where there are several.")
]
_FILES = {
    "/": ("service.html", "text/html"),
    "/service.css": ("service.css", "text/css"),
    "/service.js": ("service.js", "text/javascript"),
}
_ABOUT = "X-Explained-Label", "X-Explained-By"
_OF_IMAGES = problems(400, 401, 404, 408, 413, 415, 503, 504)
_LABELS = {200: {"model": Predictions}, 422: {"model": Predictions | Problem}}
_VECTORS = {200: {"model": Embeddings}, 422: {"model": Embeddings | Problem}}


def create_app(settings, on_failure=None, after_load=None):
    """Make the application.

    Parameters
    ----------
    settings : Settings
    on_failure, after_load : callable, optional
        As for `Service`.

    Returns
    -------
    FastAPI
        Its ``state.service`` is the `Service`.
    """
    service = Service(settings, on_failure, after_load)

    @asynccontextmanager
    async def lifespan(app):
        service.start()
        yield
        await service.close()

    app = FastAPI(
        title="imgfeat",
        version=imgfeat.__version__,
        description="Image classifiers. Images that cannot be read have an error in "
        "words, while the others are answered.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        default_response_class=PlainJSON,
    )
    app.state.service = service
    _say_errors_in_words(app, service)
    _add_tasks(app, service)
    _add_facts(app, service)
    _add_page(app)
    requests = service.metrics.requests
    app.add_middleware(
        Guard,
        settings=settings,
        note=lambda status: requests.labels(status).inc(),
        refuse=lambda cause: service.metrics.refused.labels(cause).inc(),
    )
    app.add_middleware(HeadRequests)
    if settings.cors:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "X-API-Key", "Content-Type"],
            expose_headers=["Retry-After", *_ABOUT],
        )
    return app


def _add_tasks(app, service):
    @app.post("/predict", openapi_extra=BODY, responses=_LABELS | _OF_IMAGES)
    async def predict(request: Request, model: ModelName = None) -> Response:
        """Label images."""
        return labelled(service, *await _ask(service, request, model, "predict"))

    @app.post("/embed", openapi_extra=BODY, responses=_VECTORS | _OF_IMAGES)
    async def embed(request: Request, model: ModelName = None) -> Response:
        """Describe images by the vectors that the model's classifier is given."""
        return described(service, *await _ask(service, request, model, "embed"))

    @app.post(
        "/explain",
        openapi_extra=BODY,
        response_class=Response,
        responses={200: {"content": {"image/png": {}}}} | problems(422) | _OF_IMAGES,
    )
    async def explain(
        request: Request, model: ModelName = None, label: str | None = None
    ) -> Response:
        """Draw what the model looked at in one image, for a class or the predicted one.

        Orange speaks for the class, blue against it.
        """
        _, _, (found,) = await _ask(
            service, request, model, "explain", max_files=1, how=(label,)
        )
        error = found.reason if isinstance(found, ImageDecodeError) else found.error
        if error is not None:
            words = sentence(f"There is no explanation: {error}")
            raise Refusal(422, "explain", words)
        said = quote(str(found.target)), found.method
        about = dict(zip(_ABOUT, said, strict=True))
        return Response(found.png, media_type="image/png", headers=about)


def _add_facts(app, service):
    @app.get("/models", responses=problems(401))
    async def models() -> ModelNames:
        """List the models."""
        return ModelNames(models=list(service.models))

    @app.get("/model", responses=problems(400, 401, 404, 503))
    async def card(model: ModelName = None) -> dict:
        """Tell what a model is: classes, steps, versions, limits of this service."""
        return service.find(model).card()

    @app.get("/health/live")
    async def live() -> Health:
        """Tell that the process answers."""
        return Health(status="live")

    @app.get("/health/ready", responses={503: {"model": Health}})
    async def ready() -> Response:
        """Tell whether images are answered: models are loaded, and have run."""
        status = 200 if service.status == "ready" else 503
        return PlainJSON({"status": service.status}, status)

    @app.get("/metrics", response_class=Response, responses=problems(401))
    async def metrics() -> Response:
        """Count, for Prometheus."""
        service.count_in_line()
        content_type = service.metrics.content_type
        return Response(service.metrics.text(), headers={"Content-Type": content_type})


def _add_page(app):
    def add(path, name, kind):
        content = files("imgfeat.deploy.serve").joinpath(name).read_bytes()

        @app.get(path, include_in_schema=False)
        async def file() -> Response:
            return Response(content, media_type=f"{kind}; charset=utf-8")

    for path, (name, kind) in _FILES.items():
        add(path, name, kind)


def _say_errors_in_words(app, service):
    refused = service.metrics.refused

    @app.exception_handler(Refusal)
    async def refuse(request, refusal):
        refused.labels(refusal.cause).inc()
        return respond(refusal)

    @app.exception_handler(ClientDisconnect)
    async def leave(request, error):
        return await refuse(request, Refusal(499, "gone", "The client has left."))

    @app.exception_handler(RequestValidationError)
    async def explain(request, error):
        words = "; ".join(
            f"{' '.join(map(str, each['loc']))}: {each['msg']}"
            for each in error.errors()[:5]
        )
        return await refuse(request, Refusal(422, "bad_request", words))

    @app.exception_handler(HTTPException)
    async def answer(request, error):
        words = {404: "There is nothing at this address.", 405: "Not by this method."}
        message = words.get(error.status_code, str(error.detail))
        return await refuse(
            request, Refusal(error.status_code, "address", message, error.headers)
        )


async def _ask(service, request, model, task, *, max_files=None, how=()):
    """The model, the uploads, and what it makes of each, within the deadline."""
    served = service.find(model)
    service.check_room(served, task)
    max_files = max_files or service.settings.max_files
    uploads = await read_uploads(request, max_files=max_files)
    deadline_s = service.settings.deadline_s
    try:
        async with asyncio.timeout(deadline_s):
            work = service.ask(served, task, uploads, how)
            return served, uploads, await _unless_gone(request, work)
    except TimeoutError as error:
        raise Refusal(
            504,
            "deadline",
            f"There was no answer within {deadline_s:g} s; send fewer images.",
        ) from error


async def _unless_gone(request, work):
    """Return what `work` gives; drop it where the client hangs up."""
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(request.receive())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise Refusal(499, "gone", "The client has left.")
    finally:
        working.cancel()
        leaving.cancel()
