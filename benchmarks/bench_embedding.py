"""Images per second of CNNEmbedding against embetter, plain torch and ONNX Runtime.

All run efficientnet_lite0 with the same weights on the same photographs, in one
process and in turn, on all cores. "Arrays" start from decoded uint8 images of about
500 x 375 pixels in memory (PIL images with the same pixels for those who want them),
"no resize" from arrays of which only the middle is cut, "files" from JPEG files.

- embetter: its TimmEncoder as it is, which runs one image after another, in training
  mode; only its download is replaced by the installed weights. Install it beside:
  pip install --target /tmp/peers --no-deps embetter
- one by one in torch: what img2vec_pytorch does, torchvision's transforms and the net
  on one image at a time, in eval mode without gradients. That package itself has no
  efficientnet_lite0.
- torchvision, then ONNX Runtime: the same transforms, then batches of 32 through the
  exported net.
- bare ONNX Runtime: nothing but the net, on normalized float tensors that are ready.
  A batch of 32 is what a user would write; a batch of 1 is about its fastest here.

"large files" are mosaics of nine photographs, read whole and, with fast_decode=True, at
a fraction of their size; how near the vectors are is in the JSON as cosines.

What "files" can reach follows from the rates of its two parts on the same cores:
1 / (1 / decoding + 1 / arrays).

    python -m benchmarks.bench_embedding --peers /tmp/peers --json PATH
"""

import argparse
import os
import sys
import tarfile
import tempfile
from pathlib import Path
from unittest.mock import patch

import numpy as np
import onnxruntime
import skimage.data
import timm
import torch
from PIL import Image
from timm.data import create_transform, resolve_data_config

from benchmarks._timing import race, save
from imgfeat._threads import map_threads
from imgfeat.features import CNNEmbedding
from imgfeat.nets.catalog._registry import get_spec
from imgfeat.nets.catalog._tensors import load_into, read_state_dict
from imgfeat.sources import decode_image

N_IMAGES = 64
N_LARGE = 32
N_SLOW = 8  # for those that take one image at a time
BATCH = 32
PAUSE_S = 0.3  # until the threads of the one before have gone to sleep
OURS = "imgfeat"


def photographs(folder, n=N_IMAGES):
    """Paths of `n` JPEG files of about 500 x 375 pixels, written to `folder`."""
    data = os.environ.get("IMGFEAT_DATA")
    if data and (archive := Path(data, "hymenoptera.tar")).is_file():
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        paths = sorted(Path(folder).glob("train/*/*.jpg"))
        return "hymenoptera", [str(path) for path in paths[:n]]
    rng = np.random.default_rng(0)
    sources = [skimage.data.astronaut(), skimage.data.coffee(), skimage.data.rocket()]
    paths = [str(Path(folder, f"{i}.jpg")) for i in range(n)]
    for i, path in enumerate(paths):
        source = sources[i % len(sources)]
        y = rng.integers(source.shape[0] - 374)
        x = rng.integers(source.shape[1] - 499)
        photo = Image.fromarray(source[y : y + 375, x : x + 500])
        photo.save(path, quality=90)
    return "generated", paths


def plain_net():
    """timm's net with the installed weights, without its classifier."""
    spec = get_spec("efficientnet_lite0")
    net = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    load_into(net, read_state_dict(spec.find()), source="", by_order=True)
    net.reset_classifier(0)
    return net.eval()


def onnx_session(net, size=(224, 224)):
    images = torch.zeros(2, 3, *size)
    program = torch.onnx.export(
        net,
        (images,),
        dynamo=True,
        input_names=["images"],
        dynamic_shapes=({0: torch.export.Dim("n")},),
        verbose=False,
    )
    return onnxruntime.InferenceSession(
        program.model_proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def embetter_encoder(folder, net):
    """embetter's TimmEncoder with the weights of `net`; None without the package."""
    if folder is None:
        print("No --peers: rows of embetter are left out.")
        return None
    sys.path.append(folder)
    from embetter.vision import TimmEncoder

    create_model = timm.create_model

    def offline(name, pretrained, **options):
        return create_model(name, pretrained=False, **options)

    with patch("timm.create_model", offline):
        encoder = TimmEncoder("tf_efficientnet_lite0")
    encoder.model.load_state_dict(net.state_dict())
    return encoder


def one_by_one(net, transform, pictures):
    with torch.no_grad():
        return np.stack(
            [net(transform(picture)[None])[0].numpy() for picture in pictures]
        )


def batches_of(run, items, size=BATCH):
    return np.concatenate(
        [run(items[start : start + size]) for start in range(0, len(items), size)]
    )


def check_equal(name, got, expected, tolerance):
    """Before anything is timed: all contenders compute the same."""
    error = np.abs(got - expected).max() / np.abs(expected).max()
    assert error <= tolerance, f"{name} differs by {error:.3g} of the largest value"
    return float(error)


def from_arrays(arrays, peers):
    net = plain_net()
    # Pillow's Resize and CenterCrop, ToTensor, Normalize: torchvision's.
    transform = create_transform(**resolve_data_config({}, model=net))
    session, embedding = onnx_session(net), CNNEmbedding()
    pictures = [Image.fromarray(array) for array in arrays]
    ready = np.stack([transform(picture).numpy() for picture in pictures])
    encoder = embetter_encoder(peers, net)

    def run(tensors):
        return session.run(None, {"images": tensors})[0]

    def with_torchvision(some):
        return run(np.stack([transform(picture).numpy() for picture in some]))

    # A rounding of the resize may differ by a level in 255.
    ours = embedding.transform(arrays)
    error = check_equal("imgfeat", ours, batches_of(run, ready), 0.05)
    slow = pictures[:N_SLOW]
    check_equal("torch", one_by_one(net, transform, slow), run(ready[:N_SLOW]), 1e-4)

    n = len(arrays)
    contenders = {
        OURS: (n, lambda: embedding.transform(arrays)),
        "embetter": (N_SLOW, lambda: encoder.transform(slow)),
        "one by one in torch": (N_SLOW, lambda: one_by_one(net, transform, slow)),
        "torchvision, then ONNX Runtime": (
            n,
            lambda: batches_of(with_torchvision, pictures),
        ),
        "bare ONNX Runtime, batch of 32": (n, lambda: batches_of(run, ready)),
        "bare ONNX Runtime, batch of 1": (n, lambda: batches_of(run, ready, size=1)),
    }
    if encoder is None:
        del contenders["embetter"]
    rows = race("arrays", contenders, pause_s=PAUSE_S)
    rows[0]["max_difference_from_pillow"] = error

    # A 256 x 256 image is not resized; its middle is what the others get as well.
    squares = [np.asarray(picture.resize((256, 256))) for picture in pictures]
    cut = {OURS: (n, lambda: embedding.transform(squares))}
    bare = {name: pair for name, pair in contenders.items() if name.startswith("bare")}
    return rows + race("no resize", cut | bare, pause_s=PAUSE_S)


def from_files(paths, arrays):
    embedding = CNNEmbedding()

    def decode():
        map_threads(lambda path: decode_image(path, mode="rgb"), paths, n_jobs=-1)

    rows = race(
        "files",
        {
            OURS: (len(paths), lambda: embedding.transform(paths)),
            "decoding alone": (len(paths), decode),
            "arrays alone": (len(paths), lambda: embedding.transform(arrays)),
        },
    )
    for row in rows:  # parts and whole, no rivals
        del row["imgfeat_is_faster_by"]
    ours, decoding, net = (row["images_per_s"] for row in rows)
    reachable = 1 / (1 / decoding + 1 / net)
    rows[0] |= {"reachable_images_per_s": reachable, "of_reachable": ours / reachable}
    print(f"files      reaches {ours / reachable:.3f} of what its parts allow")
    return rows


def from_large_files(arrays, folder):
    """Files of 1500 x 1125 pixels, decoded whole and at a quarter of their size."""
    paths = []
    for i in range(N_LARGE):
        some = [arrays[(i + k) % len(arrays)] for k in range(9)]
        nine = [Image.fromarray(array) for array in some]
        mosaic = Image.new("RGB", (1500, 1125))
        for k, photo in enumerate(nine):
            mosaic.paste(photo.resize((500, 375)), (500 * (k % 3), 375 * (k // 3)))
        paths.append(str(Path(folder, f"mosaic{i}.jpg")))
        mosaic.save(paths[-1], quality=90)
    exact, fast = CNNEmbedding(), CNNEmbedding(fast_decode=True)
    rows = race(
        "large files",
        {
            "imgfeat, fast_decode": (N_LARGE, lambda: fast.transform(paths)),
            OURS: (N_LARGE, lambda: exact.transform(paths)),
        },
        pause_s=PAUSE_S,
    )
    one, other = exact.transform(paths), fast.transform(paths)
    cosines = (one * other).sum(axis=1)
    cosines /= np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    mean, least = float(cosines.mean()), float(cosines.min())
    rows[0] |= {"mean_cosine": mean, "least_cosine": least}
    print(f"large files: cosine {mean:.4f}, least {least:.4f}")
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument("--peers", metavar="FOLDER", help="holds embetter")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        source, paths = photographs(folder)
        arrays = [decode_image(path, mode="rgb") for path in paths]
        results = from_arrays(arrays, args.peers) + from_files(paths, arrays)
        results += from_large_files(arrays, folder)
    pixels = np.median([array.shape[:2] for array in arrays], axis=0)
    results.append({"name": "images", "source": source, "median_size": pixels.tolist()})
    if args.json:
        save(args.json, results)


if __name__ == "__main__":
    main()
