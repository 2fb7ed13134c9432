"""Images per second of CNNEmbedding for four nets, against ONNX Runtime run bare.

"Bare" is the net alone in float32, on normalized float tensors that are ready, 16 at a
time, on all cores; with ``--all`` also in torch, eager with channels_last and compiled.
What CNNEmbedding does besides is in its time: photographs of about 500 x 375 pixels are
resized, cut and normalized. "auto" chooses its engine and precision, which the JSON
says; "float32" keeps to that. With ``--device cuda`` all run there, in float16, and
bare ONNX Runtime is left out. Nets without installed weights have random ones, which
cost the same.

"files" is the same from JPEG files, and the rate of decoding them alone on the same
cores. "latency" is one file, warm, against decoding it and one bare run of a batch of
1. "many" is the time an image and the peak memory for 100 and for 10,000 files.

    python -m benchmarks.bench_engines --json PATH [--nets resnet50] [--device cuda]
        [--parts arrays files latency many] [--all]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks._cifar10 import cifar10_files
from benchmarks._timing import peak_gib, race, save
from benchmarks.bench_embedding import (
    PAUSE_S,
    batches_of,
    check_equal,
    onnx_session,
    photographs,
)
from imgfeat._threads import map_threads
from imgfeat.features import CNNEmbedding
from imgfeat.nets.catalog._backbones import find_backbone
from imgfeat.nets.inference._photographs import cosines
from imgfeat.sources import decode_image

NETS = "efficientnet_lite0", "resnet50", "convnext_tiny", "vit_b_16"
PARTS = "arrays", "files", "latency", "many"
N_PHOTOS = 16  # one batch of the bare engines
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


def bare_runs(backbone, device, everything):
    """Callables from a batch of normalized float tensors to numpy embeddings."""
    eager = Bare(backbone).to(device, memory_format=torch.channels_last)

    def with_torch(net):
        def run(tensors):
            with (
                torch.inference_mode(),
                torch.autocast(device, torch.float16, enabled=device == "cuda"),
            ):
                tensors = tensors.to(device, memory_format=torch.channels_last)
                return net(tensors).float().cpu().numpy()

        return run

    runs = {}
    if device == "cpu":
        session = onnx_session(Bare(backbone).eval(), backbone.preprocessing.size)
        runs["ONNX Runtime"] = lambda x: session.run(None, {"images": x.numpy()})[0]
    if everything or not runs:
        runs["torch, eager"] = with_torch(eager)
        runs["torch.compile"] = with_torch(torch.compile(eager))
    return runs


def one_net(name, paths, device, parts, everything):
    backbone = find_backbone(name, weights_of(name))
    photos = [decode_image(path, mode="rgb") for path in paths]
    views = np.stack([seen_view(photo, backbone.preprocessing) for photo in photos])
    ready = normalized(views, backbone.preprocessing)
    bare = bare_runs(backbone, device, everything)
    ours = {
        precision: CNNEmbedding(
            name, weights=weights_of(name), device=device, precision=precision
        ).fit(photos)
        for precision in ("auto", "float32")
    }
    expected = ours["float32"].transform(photos)
    for who, run in bare.items():
        check_equal(who, run(ready), expected, 2e-2 if device == "cuda" else 1e-4)
    agreement = float(cosines(ours["auto"].transform(photos), expected).min())
    print(f"{name}: {ours['auto'].inference_info_}, least cosine {agreement:.5f}")

    n = len(photos)
    contenders = {
        f"imgfeat, {precision}": (n, partial(net.transform, photos))
        for precision, net in ours.items()
    }
    for who, run in bare.items():
        contenders[f"bare {who}"] = n, partial(batches_of, run, ready)
    rows = []
    if "arrays" in parts:
        rows = race(name, contenders, pause_s=PAUSE_S)
        fastest = max(row["images_per_s"] for row in rows[2:])
        for row, net in zip(rows, ours.values(), strict=False):
            info = net.inference_info_
            row["runs_as"] = [info["engine"], info["device"], info["precision"]]
            row["least_cosine"] = agreement if net is ours["auto"] else 1.0
        for row in rows:
            del row["imgfeat_is_faster_by"]
            row["of_fastest_bare"] = row["images_per_s"] / fastest
        for row in rows[:2]:
            print(f"{name}: {row['name']} is {row['of_fastest_bare']:.2f} of bare")
    if "files" in parts:
        rows += from_files(name, paths, photos, ours["auto"])
    if "latency" in parts:
        rows += latency(name, paths[0], ours["auto"], bare, ready)
    return rows


def from_files(name, paths, photos, embedding):
    """Files against decoding them, and against the net on what is decoded."""
    n = len(paths)

    def decode():
        map_threads(partial(decode_image, mode="rgb"), paths, -1)

    contenders = {
        "imgfeat, files": (n, lambda: embedding.transform(paths)),
        "decoding alone": (n, decode),
        "imgfeat, arrays": (n, lambda: embedding.transform(photos)),
    }
    rows = race(f"{name}, files", contenders, pause_s=PAUSE_S)
    files, decoding, net = (row["images_per_s"] for row in rows)
    rows[0]["of_the_slower_part"] = files / min(decoding, net)
    # Both parts want the same cores.
    rows[0]["of_both_parts"] = files * (1 / decoding + 1 / net)
    for row in rows:
        del row["imgfeat_is_faster_by"]
    print(
        f"{name}: files run at {rows[0]['of_the_slower_part']:.2f} of the slower part, "
        f"{rows[0]['of_both_parts']:.2f} of what both need of the cores"
    )
    return rows


def latency(name, path, embedding, bare, ready):
    """One file against the sum of its parts; the bare engine is the quickest there."""
    one = ready[:1].contiguous()
    parts = {"decoding": (1, lambda: decode_image(path, mode="rgb"))}
    parts |= {
        f"bare {who}, batch of 1": (1, lambda run=run: run(one))
        for who, run in bare.items()
        if who != "torch.compile"  # compiled for a whole batch
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


def seen_view(photo, preprocessing):
    """What a net sees of a photo."""
    view = np.empty((*preprocessing.size, 3), dtype=np.uint8)
    preprocessing.apply(photo, view)
    return view


def normalized(views, preprocessing):
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
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    parser.add_argument("--all", action="store_true", help="also torch run bare")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        run_child(args.child, args.device)
        return

    # First, while this process is small: a child's peak counts from its parent's size.
    results = many_files(args.device) if "many" in args.parts else []
    with tempfile.TemporaryDirectory() as folder:
        _, paths = photographs(folder, N_PHOTOS)
        for name in args.nets:
            results += one_net(name, paths, args.device, args.parts, args.all)
    if args.json:
        save(args.json, results)


if __name__ == "__main__":
    main()
