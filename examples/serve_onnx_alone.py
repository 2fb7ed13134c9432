"""
Label photos with an exported model and nothing else of imgfeat
===============================================================

``imgfeat export model.imgfeat model.onnx`` has written one file, from pixels to
probabilities. This runs it with ONNX Runtime, Pillow and NumPy::

    pip install onnxruntime pillow numpy
    python serve_onnx_alone.py model.onnx photo.jpg other.png

It prints the label of each photo and its probability, or its decision where the model
has no probabilities; all labels of a photo where it may have several.
"""

import base64
import json
import os
import sys

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # of onnxruntime's Linux builds

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


class PortableModel:
    """An exported model.

    Parameters
    ----------
    path : str
        Of a file that ``imgfeat export`` wrote.
    """

    def __init__(self, path):
        self.session = onnxruntime.InferenceSession(path)
        self.about = self.session.get_modelmeta().custom_metadata_map
        self.labels = json.loads(self.about["labels"])
        self.several = json.loads(self.about.get("several", "false"))
        self.output = self.session.get_outputs()[0].name
        self._check_golden()

    def predict(self, image):
        """Return the labels of one image with their scores."""
        wanted = [self.output, "label"]
        scores, label = self.session.run(wanted, {"images": image[None]})
        if self.several:
            given = np.flatnonzero(label[0])
            return {self.labels[place]: scores[0][place] for place in given}
        return {self.labels[label[0]]: np.max(scores[0])}

    def _check_golden(self):
        """Does the file answer here as where it was written?"""
        golden = json.loads(self.about["golden"])
        pixels = np.frombuffer(base64.b64decode(golden["images"]), dtype=np.uint8)
        images = {"images": pixels.reshape(golden["shape"])}
        (scores,) = self.session.run([self.output], images)
        off = np.abs(scores - golden[self.output]).max()
        if off > 1e-3 * max(1.0, np.abs(scores).max()):
            raise RuntimeError(f"This runtime gives other answers: off by {off:.2g}.")


def read(path):
    """Pixels as the model takes them: upright, RGB, 8 bits, white behind."""
    with Image.open(path) as image:
        image = ImageOps.exif_transpose(image)
        if image.has_transparency_data:
            canvas = Image.new("RGBA", image.size, "white")
            canvas.alpha_composite(image.convert("RGBA"))
            image = canvas
        return np.asarray(image.convert("RGB"))


def main(path, *photos):
    model = PortableModel(path)
    for photo in photos:
        found = model.predict(read(photo))
        said = ", ".join(f"{label} ({score:.3f})" for label, score in found.items())
        print(f"{photo}: {said or 'none of the labels'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
