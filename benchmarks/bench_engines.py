"""Images per second of CNNEmbedding for four nets, against each engine run bare.

"Bare" is the net alone, on normalized float tensors that are ready, 32 at a time, on
all cores: torch in eager mode with channels_last, torch.compile, ONNX Runtime. What
CNNEmbedding does besides is in its time: with photographs of 500 x 375 pixels it
resizes, cuts, normalizes; with images of exactly the size before the cut it does not
resize. Ours chooses its own engine and batch; with ``--device cuda`` all run there, in
float16, and bare ONNX Runtime is left out. Nets without installed weights have random
ones, which cost the same.

"latency" is one JPEG file, warm, against decoding it and one bare run of a batch of 1.
"many files" is the time an image and the peak memory for 100 and for 10,000 files.

    python -m benchmarks.bench_engines --json PATH [--nets resnet18] [--device cuda]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks._cifar10 import cifar10_files
from benchmarks._timing import peak_gib, race, save
from benchmarks.bench_embedding import (
    BATCH,
    PAUSE_S,
    batches_of,
    check_equal,
    onnx_session,
    photographs,
)
from imgfeat.features import CNNEmbedding
from imgfeat.nets.catalog._backbones import find_backbone
from imgfeat.sources import decode_image

NETS = "efficientnet_lite0", "resnet18", "resnet50", "vit_b_16"
N_FEW, N_MANY = 100, 10_000


class Bare(torch.nn.Module):
    """A net from normalized pixels to its embedding, without our part."""

    def __init__(self, backbone):
        super().__init__()
        self.trunk = backbone.load().requires_grad_(False)
        self.size = backbone.preprocessing.size

    def forward(self, x):
        return self.trunk(x, "auto", self.size)


def weights_of(name):
    return "default" if name == "efficientnet_lite0" else None


def bare_runs(name, device):
    """Callables from a batch of normalized float tensors to numpy embeddings."""
    backbone = find_backbone(name, weights_of(name))
    eager = Bare(backbone).to(device, memory_format=torch.channels_last)
    compiled = torch.compile(eager)

    def with_torch(net):
        def run(tensors):
            with (
                torch.inference_mode(),
                torch.autocast(device, torch.float16, enabled=device == "cuda"),
            ):
                tensors = tensors.to(device, memory_format=torch.channels_last)
                return net(tensors).float().cpu().numpy()

        return run

    runs = {
        "torch, eager": with_torch(eager),
        "torch.compile": with_torch(compiled),
    }
    if device == "cpu":
        session = onnx_session(Bare(backbone).eval(), backbone.preprocessing.size)
        runs["ONNX Runtime"] = lambda x: session.run(None, {"images": x.numpy()})[0]
    return backbone, runs


def one_net(name, paths, device):
    backbone, bare = bare_runs(name, device)
    photos = [decode_image(path, mode="rgb") for path in paths]
    squares = np.stack(
        [cut_square(photo, backbone.preprocessing.shorter_side()) for photo in photos]
    )
    ready = normalized(squares, backbone.preprocessing)
    embedding = CNNEmbedding(name, weights=weights_of(name), device=device)
    embedding.fit(squares)
    expected = bare["torch, eager"](ready)
    tolerance = 2e-2 if device == "cuda" else 1e-4
    for who, run in bare.items():
        check_equal(who, run(ready), expected, tolerance)
    check_equal("imgfeat", embedding.transform(squares), expected, tolerance)

    n = len(photos)
    contenders = {
        "imgfeat, no resize": (n, lambda: embedding.transform(squares)),
        "imgfeat, with resize": (n, lambda: embedding.transform(photos)),
    }
    for who, run in bare.items():
        contenders[f"bare {who}"] = n, lambda run=run: batches_of(run, ready)
    rows = race(name, contenders, pause_s=PAUSE_S)
    fastest = max(row["images_per_s"] for row in rows[2:])
    for row in rows:
        del row["imgfeat_is_faster_by"]
        row["of_fastest_bare"] = row["images_per_s"] / fastest
    for row in rows[:2]:
        print(f"{name}: {row['name']} is {row['of_fastest_bare']:.2f} of fastest bare")
    return rows + latency(name, paths[0], embedding, bare, ready)


def latency(name, path, embedding, bare, ready):
    """One file against the sum of its parts; the bare engine is the quickest there."""
    one = ready[:1].contiguous()
    parts = {"decoding": (1, lambda: decode_image(path, mode="rgb"))}
    parts |= {
        f"bare {who}, batch of 1": (1, lambda run=run: run(one))
        for who, run in bare.items()
        if who != "torch.compile"  # compiled for a batch of 32
    }
    ours = {"imgfeat, one file": (1, lambda: embedding.transform([path]))}
    rows = race(f"{name}, latency", ours | parts, pause_s=PAUSE_S)
    seconds = [row["median_s"] for row in rows]
    ratio = seconds[0] / (seconds[1] + min(seconds[2:]))
    for row in rows:
        del row["imgfeat_is_faster_by"]
    rows[0]["of_decoding_and_bare"] = ratio
    print(f"{name}: one file takes {ratio:.2f} x decoding and a bare run")
    return rows


def cut_square(photo, side):
    """The middle of a photo, of which the net then cuts the middle without resizing."""
    top, left = ((whole - side) // 2 for whole in photo.shape[:2])
    return np.ascontiguousarray(photo[top : top + side, left : left + side])


def normalized(squares, preprocessing):
    views = np.empty((len(squares), *preprocessing.size, 3), dtype=np.uint8)
    for square, view in zip(squares, views, strict=True):
        preprocessing.apply(square, view)
    x = torch.from_numpy(views).permute(0, 3, 1, 2).float() / 255
    mean, std = (
        torch.tensor(values).reshape(3, 1, 1)
        for values in (preprocessing.mean, preprocessing.std)
    )
    return ((x - mean) / std).contiguous()


def many_files(device):
    """Time an image and peak memory, each from a process of its own."""
    rows = []
    with cifar10_files(N_MANY) as (paths, _, folder):
        for n in (N_FEW, N_MANY):
            list_file = folder / "paths.txt"
            list_file.write_text("\n".join(paths[:n]))
            command = [sys.executable, "-m", "benchmarks.bench_engines"]
            command += ["--device", device, "--child", str(list_file)]
            done = subprocess.run(
                command, stdout=subprocess.PIPE, text=True, check=True
            )
            row = json.loads(done.stdout.splitlines()[-1])
            rows.append({"case": "many files", "name": "efficientnet_lite0", **row})
            print(
                f"{row['n']:6} files {1e3 * row['s_per_image']:7.2f} ms an image, "
                f"peak {row['peak_gib']:.2f} GiB",
                flush=True,
            )
    return rows


def run_child(list_file, device):
    paths = Path(list_file).read_text().splitlines()
    embedding = CNNEmbedding(device=device)
    embedding.transform(paths[:8])
    start = time.perf_counter()
    embedding.transform(paths)
    seconds = time.perf_counter() - start
    n = len(paths)
    row = {"n": n, "s_per_image": seconds / n, "peak_gib": peak_gib()}
    print(json.dumps(row))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="PATH", help="also save the results here")
    parser.add_argument("--nets", nargs="+", default=NETS, choices=NETS)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        run_child(args.child, args.device)
        return

    # First, while this process is small: a child's peak counts from its parent's size.
    results = many_files(args.device)
    with tempfile.TemporaryDirectory() as folder:
        _, paths = photographs(folder)
        # The smallest photos would have to be enlarged for a square.
        sides = [min(decode_image(path).shape[:2]) for path in paths]
        paths = [path for path, side in zip(paths, sides, strict=True) if side >= 300]
        for name in args.nets:
            results += one_net(name, paths[:BATCH], args.device)
    if args.json:
        save(args.json, results)


if __name__ == "__main__":
    main()
