"""Tests for examples/browser: an exported model in headless Chromium.

They need the package onnxruntime-web of npm; IMGFEAT_NODE_MODULES names the folder that
it was installed to.
"""

import functools
import os
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from PIL import Image

import imgfeat
from imgfeat.deploy import export_onnx
from imgfeat.sources import load_sample
from tests._browser import chromium, find_chromium

pytestmark = pytest.mark.onnx

PAGE = Path(__file__).parent.parent / "examples" / "browser"
_ASK = """
(async () => {{
  const {{ model, readPicture }} = globalThis.imgfeat;
  const found = [];
  for (const name of {names}) {{
    const answer = await fetch(name);
    const {{ pixels, height, width }} = await readPicture(await answer.blob());
    found.push(await model.predict(pixels, height, width));
  }}
  return found;
}})()
"""


class Handler(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".mjs": "text/javascript"
    }

    def log_message(self, format, *args):
        """Say nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the page, and its address."""
    modules = Path(os.environ.get("IMGFEAT_NODE_MODULES", PAGE / "node_modules"))
    if not (modules / "onnxruntime-web").is_dir():
        pytest.skip("IMGFEAT_NODE_MODULES names no folder with onnxruntime-web")
    if find_chromium() is None:
        pytest.skip("there is no Chromium on this machine to open the page in")
    folder = tmp_path_factory.mktemp("site")
    for name in ("index.html", "classify.js", "metadata.js"):
        shutil.copy(PAGE / name, folder)
    (folder / "node_modules").symlink_to(modules)
    handler = functools.partial(Handler, directory=folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}/index.html"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def textures():
    sample = load_sample("textures")
    tinted = (sample.images[..., None] * np.array([1, 0.8, 0.6])).astype(np.uint8)
    return tinted, sample.target_names[sample.target]


_READY = """
new Promise(done => {
  const look = () => globalThis.imgfeat || /There is/.test(document.body.textContent)
    ? done(true) : setTimeout(look, 50);
  look();
})
"""
_SAID = """
new Promise(done => {
  const look = () => document.getElementById('status').textContent === 'Looking …'
    ? setTimeout(look, 20) : done();
  look();
})
"""


def wait_until_ready(tab):
    assert tab.ask(_READY)


def test_page_answers_as_the_pipeline_does(site, textures, tmp_path):
    folder, address = site
    images, labels = textures
    model = imgfeat.make_recipe("hog-lr", size=32).fit(list(images[::4]), labels[::4])
    export_onnx(model, folder / "model.onnx")
    rng = np.random.default_rng(0)
    shown = [images[1], images[70, :40], images[140, :, 9:]]
    shown += [rng.integers(0, 256, (97, 131, 3), dtype=np.uint8)]
    names = [f"{row}.png" for row in range(len(shown))]
    for image, name in zip(shown, names, strict=True):
        Image.fromarray(image).save(folder / name)
    with chromium(tmp_path / "profile") as tab:
        tab.open(address, 800)
        wait_until_ready(tab)
        found = tab.ask(_ASK.format(names=names))
        assert tab.complaints() == []
    expected = model.predict_proba(shown)
    assert_allclose([answer["scores"] for answer in found], expected, atol=1e-4)
    assert [answer["label"] for answer in found] == list(model.predict(shown))


def test_page_shows_a_bar_for_each_class(site, textures, tmp_path):
    folder, address = site
    images, labels = textures
    model = imgfeat.make_recipe("hog-svm", size=32).fit(list(images[::4]), labels[::4])
    export_onnx(model, folder / "model.onnx")
    photo, broken = tmp_path / "photo.png", tmp_path / "broken.png"
    Image.fromarray(images[1]).save(photo)
    broken.write_bytes(b"no picture")
    with chromium(tmp_path / "profile") as tab:
        tab.open(address, 800)
        wait_until_ready(tab)
        assert text_of(tab, "status") == "It knows brick, grass, gravel."
        choose(tab, photo)
        label, *_ = text_of(tab, "status").partition(",")
        assert label == model.predict([images[1]])[0]
        rows = tab.ask("[...document.querySelectorAll('li')].map(li => li.innerText)")
        assert len(rows) == 3
        assert rows[0].split() == [label, shown_share(model, images[1]), "%"]
        choose(tab, broken)
        assert text_of(tab, "status").startswith("This picture cannot be read: ")


def test_a_page_without_its_model_says_so(site, tmp_path):
    folder, address = site
    (folder / "model.onnx").unlink(missing_ok=True)
    with chromium(tmp_path / "profile") as tab:
        tab.open(address, 800)
        wait_until_ready(tab)
        assert text_of(tab, "status") == "There is no model.onnx: 404."


def shown_share(model, image):
    return f"{100 * model.predict_proba([image]).max():.1f}"


def text_of(tab, element):
    return tab.ask(f"document.getElementById('{element}').textContent")


def choose(tab, path):
    """Choose a file as a user does, and wait for what is said of it."""
    tab.ask("document.getElementById('status').textContent = 'Looking …'")
    document = tab.call("DOM.getDocument")["root"]["nodeId"]
    found = tab.call("DOM.querySelector", nodeId=document, selector="#file")
    tab.call("DOM.setFileInputFiles", files=[str(path)], nodeId=found["nodeId"])
    tab.ask(_SAID)
