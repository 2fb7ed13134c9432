"""``imgfeat serve``: saved models as a web service, with a page to try them."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from imgfeat._optional import import_optional
from imgfeat._plain_errors import plain_errors
from imgfeat._printing import out, print_note

_NEEDED = "fastapi", "uvicorn", "httptools", "python_multipart", "prometheus_client"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Files that train or compare wrote, or NAME=FILE; by default a model "
            "has the name of its file.",
        ),
    ],
    host: Annotated[
        str, typer.Option(help="Address to listen at; 0.0.0.0: every one.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0: any that is free.")] = 8000,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes; each holds the models.")
    ] = 1,
    api_key: Annotated[
        str | None,
        typer.Option(
            envvar="IMGFEAT_API_KEY",
            help="What clients must send, as Authorization: Bearer or X-API-Key.",
        ),
    ] = None,
    cors: Annotated[
        list[str] | None,
        typer.Option(help="An origin whose pages may ask; repeat for several."),
    ] = None,
    deadline: Annotated[
        float, typer.Option(min=0.1, help="Seconds until a request gets status 504.")
    ] = 10,
    max_body: Annotated[
        float, typer.Option(min=0.001, help="Megabytes in a request.")
    ] = 32,
    max_files: Annotated[int, typer.Option(min=1, help="Images in a request.")] = 64,
    max_pixels: Annotated[int, typer.Option(min=1, help="Of an image.")] = 50_000_000,
    max_queue: Annotated[
        int, typer.Option(min=1, help="Images that wait; more get status 503.")
    ] = 128,
    reload: Annotated[
        bool, typer.Option(help="Take a file that replaces that of a model.")
    ] = True,
):
    """Serve models over HTTP: /predict, /embed, /explain, /metrics, and a page at /.

    Ends after SIGTERM or Ctrl-C, when what was asked before is answered.
    """
    with plain_errors():
        for package in _NEEDED:
            import_optional(package, extra="serve", purpose="imgfeat serve")
        from imgfeat.deploy.serve._settings import Settings
        from imgfeat.deploy.serve._web_server import listen
        from imgfeat.deploy.serve._web_server import serve as run

        settings = Settings(
            models=_by_name(models),
            max_body_bytes=round(max_body * 1e6),
            max_files=min(max_files, max_queue),
            max_pixels=max_pixels,
            max_queue=max_queue,
            deadline_s=deadline,
            reload_s=2.0 if reload else 0.0,
            api_key=api_key,
            cors=tuple(cors or ()),
        )
        listener = listen(host, port)
        say = partial(_say_where, settings, host, listener.getsockname()[1])
        try:
            run(settings, listener, workers=workers, on_ready=say)
        except TypeError as error:  # a model of tables
            raise ValueError(str(error)) from error
        print_note("Ended; all that was asked is answered.")


def _by_name(models):
    """Paths by the names of the models, as `NAME=FILE` or by the names of the files."""
    found = {}
    for text in models:
        name, sign, path = text.partition("=")
        if not sign or Path(text).exists():
            name, path = Path(text).stem, text
        if not name or not path:
            raise ValueError(f"A model is FILE or NAME=FILE. Got {text!r}.")
        if name in found:
            raise ValueError(
                f"Each model needs a name of its own. Got {name!r} for {found[name]} "
                f"and {path}; write one of them as NAME={path}."
            )
        found[name] = path
    return found


def _say_where(settings, host, port):
    address = f"[{host}]" if ":" in host else host
    names = ", ".join(settings.models)
    out.print(
        f"Serving {names} at http://{address}:{port}/ (Ctrl-C ends it)",
    )
    if host not in _LOOPBACK and settings.api_key is None:
        print_note("Whoever reaches this address may ask; --api-key asks for a key.")
