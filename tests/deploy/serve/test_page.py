"""Tests for service.html, service.css and service.js, in a browser."""

import json
from base64 import b64encode

import numpy as np
import pytest

from imgfeat import load_image_folder, make_recipe
from tests._browser import chromium, find_chromium
from tests._photos import write_photo_folder
from tests.deploy._saved import save_at
from tests.deploy.serve.conftest import listening

pytestmark = [
    pytest.mark.serve,
    pytest.mark.skipif(find_chromium() is None, reason="there is no Chromium here"),
]

# What stands in a result when it is there.
_READ = """
const settled = () => document.querySelectorAll("#results > :not(.waiting)");
const until = async (found, tries = 600) => {
  for (; tries; tries -= 1) {
    const value = found();
    if (value) return value;
    await new Promise(go => setTimeout(go, 50));
  }
  throw new Error("it did not come: " + found);
};
const text = (item, place) => item.querySelector(place).textContent;
const read = item => ({
  title: text(item, "h2"),
  file: text(item, ".file"),
  note: item.querySelector(".note").hidden ? "" : text(item, ".note"),
  bars: [...item.querySelectorAll(".bars li")].map(row => [
    text(row, ".name"),
    text(row, ".share"),
    row.querySelector(".bar").getBoundingClientRect().width
      / row.querySelector(".track").getBoundingClientRect().width]),
});
const file = (text, name, type = "image/jpeg") =>
  new File([Uint8Array.from(atob(text), c => c.charCodeAt(0))], name, {type});
const carrying = files => {
  const data = new DataTransfer();
  files.forEach(each => data.items.add(each));
  return data;
};
"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    found = load_image_folder(write_photo_folder(folder / "photos", n_per_class=6))
    model = make_recipe("hog-lr", size=64).fit(found.images, found.labels)
    file = save_at(model, folder / "textures.imgfeat")
    return found, model, file


@pytest.fixture(scope="module")
def address(photos, open_file):
    with listening({"textures": photos[2], "open": open_file}) as address:
        yield address


@pytest.fixture
def tab(tmp_path):
    with chromium(tmp_path / "profile") as tab:
        yield tab


def play(tab, script):
    """Run a script in the page; return what it returns."""
    return json.loads(
        tab.ask(f"(async () => {{ {_READ} {script} }})().then(JSON.stringify)")
    )


def as_text(path):
    with open(path, "rb") as file:
        return b64encode(file.read()).decode()


def test_dropped_pasted_and_chosen_images_get_labels(tab, photos, address, tmp_path):
    found, model, _ = photos
    paths = [str(path) for path in found.images[[0, 7, 14]]]
    tab.open(f"{address}/", 1280)
    about = play(
        tab, 'return await until(() => /knows/.test($("about").textContent) && '
        '$("about").textContent)'
    )  # fmt: skip
    assert about == "textures knows 3 classes: brick, grass, gravel."
    play(
        tab,
        f"""
        const drop = new DragEvent("drop", {{bubbles: true, dataTransfer:
          carrying([file("{as_text(paths[0])}", "dropped.jpg")])}});
        $("drop").dispatchEvent(drop);
        const paste = new ClipboardEvent("paste", {{bubbles: true, clipboardData:
          carrying([file("{as_text(paths[1])}", "pasted.jpg")])}});
        document.body.dispatchEvent(paste);
        return true;
        """,
    )
    for name in ("files", "camera"):
        handle = tab.call(
            "Runtime.evaluate", expression=f'document.getElementById("{name}")'
        )
        tab.call(
            "DOM.setFileInputFiles",
            files=[paths[2]],
            objectId=handle["result"]["objectId"],
        )
    results = play(
        tab,
        "await until(() => settled().length === 4); return [...settled()].map(read)",
    )
    assert {each["file"] for each in results[2:]} == {"pasted.jpg", "dropped.jpg"}
    by_file = {each["file"]: each for each in results}
    for path, file in zip(
        paths, ["dropped.jpg", "pasted.jpg", paths[2].rsplit("/")[-1]], strict=True
    ):
        proba = model.predict_proba([path])[0]
        shown = by_file[file]
        best = model.classes_[proba.argmax()]
        assert shown["title"].startswith(f"{best}, ")
        assert [name for name, _, _ in shown["bars"]] == list(
            model.classes_[np.argsort(-proba)]
        )
        widths = [width for _, _, width in shown["bars"]]
        np.testing.assert_allclose(widths, np.sort(proba)[::-1], atol=0.02)
    assert tab.complaints() == []
    assert all(each.startswith((address, "blob:", "data:")) for each in tab.fetched())


def test_what_it_looked_at_is_shown_and_taken_back(tab, photos, address):
    tab.open(f"{address}/", 390)
    found = play(
        tab,
        f"""
        await until(() => /knows/.test($("about").textContent));
        take([file("{as_text(photos[0].images[0])}", "a.jpg")]);
        const one = place => document.querySelector(place);
        const button = await until(() => one(".explain:not([hidden])"));
        const picture = one("#results img"), plain = picture.src;
        button.click();
        await until(() => picture.src !== plain && picture.complete);
        const shown = [picture.naturalWidth, button.textContent,
          button.getAttribute("aria-pressed"), one(".how").textContent];
        button.click();
        return [...shown, picture.src === plain, button.getAttribute("aria-pressed")];
        """,
    )
    assert found[0] == 64
    assert found[1:3] == ["Show the image", "true"]
    assert found[3].startswith("Orange speaks for ")
    assert found[4:] == [True, "false"]
    assert tab.complaints() == []


def test_errors_are_said_in_words_and_wide_content_fits(tab, photos, address):
    tab.open(f"{address}/", 390)
    text = b64encode(b"<script>alert(1)</script>").decode()
    (result,), wide, said = play(
        tab,
        f"""
        await until(() => /knows/.test($("about").textContent));
        take([file("{text}", "<b>no</b>".repeat(30) + ".jpg")]);
        await until(() => settled().length === 1);
        return [[...settled()].map(read), document.documentElement.scrollWidth,
                $("said").textContent];
        """,
    )
    assert result["title"] == "No answer"
    assert "not an image file" in result["note"]
    assert result["note"] in said
    assert result["bars"] == []
    assert wide == 390
    # The browser itself notes the status of the answer, and that it is no picture.
    assert all("422" in str(each) for each in tab.complaints())


def test_another_model_says_unknown(tab, photos, address):
    tab.open(f"{address}/", 1280)
    (result,) = play(
        tab,
        f"""
        await until(() => /knows/.test($("about").textContent));
        $("model").value = "open";
        $("model").dispatchEvent(new Event("change"));
        await until(() => /none of them/.test($("about").textContent));
        take([file("{as_text(photos[0].images[0])}", "a.jpg")]);
        await until(() => settled().length === 1);
        return [...settled()].map(read);
        """,
    )
    assert result["title"] == "Unknown"
    assert "none of the images that the model has learned from" in result["note"]
    assert len(result["bars"]) == 10


def test_keyboard_reaches_everything(tab, photos, address):
    tab.open(f"{address}/", 1280)
    play(
        tab,
        f"""
        await until(() => /knows/.test($("about").textContent));
        take([file("{as_text(photos[0].images[0])}", "a.jpg")]);
        await until(() => settled().length === 1);
        document.activeElement.blur();
        return true;
        """,
    )
    reached = []
    for _ in range(8):
        tab.press("Tab", 9)
        reached.append(
            tab.ask(
                "document.activeElement.id || document.activeElement.className "
                "|| document.activeElement.textContent"
            )
        )
    wanted = ["skip", "model", "files", "camera", "clear", "explain", "OpenAPI"]
    assert [each for each in reached if each in wanted] == wanted


def test_a_key_is_asked_for_and_used(tab, photos):
    with listening({"textures": photos[2]}, api_key="secret") as address:
        tab.open(f"{address}/", 390)
        found = play(
            tab,
            f"""
            await until(() => !$("key-form").hidden);
            $("key").value = "secret";
            $("key-form").requestSubmit();
            await until(() => /knows/.test($("about").textContent));
            take([file("{as_text(photos[0].images[0])}", "a.jpg")]);
            await until(() => settled().length === 1);
            return [$("key-form").hidden, read(settled()[0]).title];
            """,
        )
    assert found[0] is True
    assert found[1].split(",")[0] in photos[1].classes_
