"""A saved model, and a service of it in this process."""

import threading
import time
from contextlib import ExitStack, contextmanager

import pytest

from imgfeat import load_sample, make_recipe
from imgfeat.estimators import OpenSet
from tests.deploy._saved import as_file, save_at


@pytest.fixture(scope="session")
def digits():
    sample = load_sample("digits")
    return sample.images[:200], sample.target[:200]


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="session")
def model_file(digits, folder):
    model = make_recipe("hog-lr", size=16).fit(*digits)
    return save_at(model, folder / "digits.imgfeat")


@pytest.fixture(scope="session")
def open_file(digits, folder):
    model = OpenSet(make_recipe("hog-lr", size=16)).fit(*digits)
    return save_at(model, folder / "open.imgfeat")


@pytest.fixture(scope="session")
def png(digits):
    return as_file(digits[0][0])


@contextmanager
def client_of(models, **settings):
    """A client of a service that is ready; ``client.app.state.service`` is inside."""
    from fastapi.testclient import TestClient

    from imgfeat.deploy.serve._app import create_app
    from imgfeat.deploy.serve._settings import Settings

    models = {name: str(path) for name, path in models.items()}
    app = create_app(Settings(models=models, **settings))
    with TestClient(app, raise_server_exceptions=False) as client:
        give_up = time.monotonic() + 60
        while app.state.service.status == "loading":
            assert time.monotonic() < give_up
            time.sleep(0.01)
        yield client


@contextmanager
def listening(models, **settings):
    """A service in a thread of this process; yields its address."""
    import uvicorn

    from imgfeat.deploy.serve._app import create_app
    from imgfeat.deploy.serve._impatient import ImpatientProtocol
    from imgfeat.deploy.serve._settings import Settings
    from imgfeat.deploy.serve._web_server import listen

    models = {name: str(path) for name, path in models.items()}
    app = create_app(Settings(models=models, **settings))
    listener = listen("127.0.0.1", 0)
    how = {"log_level": "error", "ws": "none", "http": ImpatientProtocol}
    server = uvicorn.Server(uvicorn.Config(app, **how))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        give_up = time.monotonic() + 60
        while app.state.service.status == "loading":
            assert time.monotonic() < give_up
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(60)


@pytest.fixture
def serve_models():
    """`client_of`, ended at the end of the test."""
    with ExitStack() as stack:
        yield lambda models, **how: stack.enter_context(client_of(models, **how))


@pytest.fixture(scope="session")
def client(model_file):
    with client_of({"digits": model_file}) as client:
        yield client
