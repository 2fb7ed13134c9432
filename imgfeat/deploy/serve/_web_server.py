"""A service as one process or several, which listen until they are told to end."""

import contextlib
import errno
import gc
import os
import signal
import socket
import sys
import tempfile
import threading
from functools import partial
from pathlib import Path

import uvicorn
from prometheus_client.multiprocess import mark_process_dead

from imgfeat._threads import usable_threads
from imgfeat.deploy._archive import read_bundle
from imgfeat.deploy.serve._app import create_app
from imgfeat.deploy.serve._impatient import ImpatientProtocol
from imgfeat.deploy.serve._workers import CONTEXT, HOPELESS, keep_alive

_LOG = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {"err": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {
        # Its warnings are of requests that are no HTTP, which anybody can send.
        "uvicorn.error": {"handlers": ["err"], "level": "ERROR", "propagate": False},
        "imgfeat.serve": {"handlers": ["err"], "level": "INFO", "propagate": False},
    },
}


def listen(host, port):
    """Return a socket that listens.

    Parameters
    ----------
    host : str
    port : int
        0 is any that is free.

    Raises
    ------
    OSError
        In words, if that cannot be.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Told that this is TCP, asyncio sends answers at once, not 40 ms later.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise OSError(_in_words(error, host, port)) from error
    except OverflowError as error:
        listener.close()
        raise ValueError(f"A port is a number of 0 to 65535. Got {port}.") from error
    return listener


def serve(settings, listener, *, workers=1, on_ready=None):
    """Serve until SIGTERM or Ctrl-C; then answer what was taken, and return.

    Parameters
    ----------
    settings : Settings
    listener : socket
        As `listen` gives it.
    workers : int, default=1
        Processes, each with models of its own, that share the cores.
    on_ready : callable, optional
        Called once, when images are answered: all models are loaded, in all processes.

    Raises
    ------
    OSError, ValueError, TypeError
        If a model cannot be loaded.
    """
    with listener:
        for path in settings.models.values():
            read_bundle(Path(path))  # damaged files are told before any is loaded
        _raise_file_limit()
        on_ready = on_ready or (lambda: None)
        if workers == 1:
            _serve_here(settings, listener, on_ready)
        else:
            _serve_in_workers(settings, listener, workers, on_ready)


def _serve_here(settings, listener, on_ready):
    failures, untold = [], [on_ready]

    def stop(error):
        failures.append(error)
        server.should_exit = True

    def settle():
        _set_aside()
        if untold:  # files that replace others are loaded later
            untold.pop()()

    app = create_app(settings, stop, settle)
    server = _Server(_config(app, settings), app.state.service)
    with _signals_end(server):
        server.run([listener])
    if failures:
        raise failures[0]


def _serve_in_workers(settings, listener, workers, on_ready):
    threads = max(1, usable_threads(None) // workers)
    os.environ["OMP_NUM_THREADS"] = str(threads)
    n_ready = CONTEXT.Semaphore(0)

    def wait():
        for _ in range(workers):
            n_ready.acquire()
        on_ready()

    threading.Thread(target=wait, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        work = partial(serve_as_worker, settings, listener, n_ready)
        keep_alive(work, workers, on_death=mark_process_dead)


def serve_as_worker(settings, listener, n_ready):
    """Serve in a process of `keep_alive`; count it in `n_ready` when it answers."""
    with listener:
        try:
            _serve_here(settings, listener, n_ready.release)
        except (OSError, ValueError, TypeError):
            sys.exit(HOPELESS)  # the log of the service has said why


def _set_aside():
    """Let the garbage collector pass over all that is loaded from now on.

    A look at every object of the libraries and models takes a quarter of a second, in
    which nothing is answered: it falls into the moment when many requests come.
    """
    gc.unfreeze()  # a model that was replaced goes
    gc.collect()
    gc.freeze()


class _Server(uvicorn.Server):
    """Says that it is not ready as soon as it is told to end."""

    def __init__(self, config, service):
        super().__init__(config)
        self._service = service

    def handle_exit(self, sig, frame):
        self._service.status = "closing"
        super().handle_exit(sig, frame)


def _config(app, settings):
    return uvicorn.Config(
        app,
        http=ImpatientProtocol,
        ws="none",
        lifespan="on",
        log_config=_LOG,
        access_log=False,
        server_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=round(settings.deadline_s) + 5,
    )


@contextlib.contextmanager
def _signals_end(server):
    """Let SIGTERM and Ctrl-C do no more than end a server, also before it runs.

    uvicorn sends them again when it is done, for whoever handled them before.
    """

    def end(number, frame):
        server.should_exit = True

    before = {
        number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise_file_limit():
    """A connection is an open file; take as many as the system lets us."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _in_words(error, host, port):
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is in use; choose another with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} is not for this user; choose one of 1024 or more."
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"This machine has no address {host!r}; try 127.0.0.1 or 0.0.0.0."
    return f"Cannot listen on {host}, port {port}: {error.strerror or error}."
