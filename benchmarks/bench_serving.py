"""`imgfeat serve` over loopback: what HTTP and batching cost beside the model itself.

A pipeline of `CNNEmbedding` (efficientnet_lite0) and logistic regression, JPEGs of
500 x 375 pixels, one server process, and a client on the same cores. In turn:

- images/s of `Predictor.predict` on batches of encoded images, in this process, and of
  servers that 32 clients ask, all in the same JSON; of ours also with files as bodies,
  and by one client that sends 32 images a request;
- the time of one image by `Predictor.predict`, decoding included, and of one request
  at a time to the servers;
- four times as many requests as the server can answer, for some seconds: how long
  accepted ones take, how soon the others get their 503, and whether any is lost; of
  several rounds, the one in the middle.

    python -m benchmarks.bench_serving --json results/bench_serving.json

IMGFEAT_DATA names a folder with hymenoptera.tar. LitServe and BentoML, with the same
`Predictor`, run in turn where they are installed: ``pip install litserve bentoml``.
"""

import argparse
import asyncio
import gc
import os
import signal
import statistics
import sys
import time
from base64 import b64encode
from contextlib import ExitStack

from benchmarks._http_load import closed_loop, open_loop, post
from benchmarks._served import free_port, photo_model, running
from benchmarks._timing import save
from imgfeat import Predictor
from imgfeat._optional import has_module

N_CLIENTS, DEADLINE_S = 32, 10


def servers(model):
    """Command, port and path of health of each server that can be started."""
    ports = [str(free_port()) for _ in range(3)]
    ours = ["imgfeat", "serve", str(model), "--port", ports[0]]
    lit = ["benchmarks.peer_litserve", str(model), ports[1]]
    bento = ["bentoml", "serve", "benchmarks.peer_bentoml:Service", "--port", ports[2]]
    os.environ["MODEL"] = str(model)  # which BentoML hands on to its workers
    found = {"imgfeat": (ours, ports[0], "/health/ready")}
    if has_module("litserve"):
        found["litserve"] = lit, ports[1], "/health"
    if has_module("bentoml"):
        found["bentoml"] = bento, ports[2], "/readyz"
    return {
        name: ([sys.executable, "-m", *command], int(port), path)
        for name, (command, port, path) in found.items()
    }


def as_json(image):
    """A request that all of them understand."""
    body = b'{"images": ["' + b64encode(image) + b'"]}'
    return post("/predict", body, "application/json")


def throughput(predictor, ports, images, rounds, seconds):
    """Images/s in process and from each server, in turn."""
    form = [post("/predict", *as_form(images[:N_CLIENTS]))]
    rates = {"in process": []}
    for number in range(rounds + 1):
        took = {"in process": in_process(predictor, images, seconds)}
        for name, port, asked in questions(ports, images):
            answers, spent = asyncio.run(closed_loop(port, asked, N_CLIENTS, seconds))
            took[f"{name}, {N_CLIENTS} clients"] = _good(answers) / spent
        answers, spent = asyncio.run(closed_loop(ports["imgfeat"], form, 1, seconds))
        took[f"imgfeat, {N_CLIENTS} images a request"] = (
            _good(answers) * N_CLIENTS / spent
        )
        for name, rate in took.items():
            if number:  # the first round warms up
                rates.setdefault(name, []).append(rate)
    base = statistics.median(rates["in process"])
    return [
        {
            "case": "throughput",
            "name": name,
            "images_per_s": statistics.median(values),
            "of_in_process": statistics.median(values) / base,
            "rounds": values,
        }
        for name, values in rates.items()
    ]


def questions(ports, images):
    """Name, port and requests of an image each: the same to all, and plain to ours."""
    texts = [as_json(image) for image in images]
    for name, port in ports.items():
        yield name, port, texts
    bodies = [post("/predict", image) for image in images]
    yield "imgfeat by files", ports["imgfeat"], bodies


def in_process(predictor, images, seconds):
    """Images/s of `Predictor.predict` on batches, decoding included."""
    start, n_done = time.perf_counter(), 0
    while (spent := time.perf_counter() - start) < seconds:
        predictor.predict(images)
        n_done += len(images)
    return n_done / spent


def as_form(images):
    """A form with files, and its content type."""
    parts = [
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
        + image
        + b"\r\n"
        for image in images
    ]
    return b"".join(parts) + b"--x--\r\n", "multipart/form-data; boundary=x"


def _good(answers):
    assert {status for status, _ in answers} == {200}, answers[:3]
    return len(answers)


def latency(predictor, ports, images, rounds, seconds):
    """Milliseconds of one image, in process and over HTTP, in turn."""
    times = {"in process": []}
    for _ in range(rounds):
        end = time.perf_counter() + seconds
        while (start := time.perf_counter()) < end:
            predictor.predict([images[len(times["in process"]) % len(images)]])
            times["in process"].append(time.perf_counter() - start)
        for name, port, asked in questions(ports, images):
            answers, _ = asyncio.run(closed_loop(port, asked, 1, seconds))
            times.setdefault(name, []).extend(took for _, took in answers)
    base = statistics.median(times["in process"])
    return [
        {
            "case": "one client",
            "name": name,
            "p50_ms": 1e3 * statistics.median(values),
            "over_in_process_ms": 1e3 * (statistics.median(values) - base),
            "p99_ms": 1e3 * _quantile(values, 0.99),
            "n": len(values),
        }
        for name, values in times.items()
    ]


def overload(port, images, rate, rounds, seconds):
    """What becomes of requests that are four times too many, of our own server."""
    bodies = [post("/predict", image) for image in images]
    found = [flood(port, bodies, 4 * rate, seconds) for _ in range(rounds)]
    found.sort(key=lambda one: one["refused_p99_ms"])
    middle = found[len(found) // 2]
    middle["refused_p99_ms_of_rounds"] = [one["refused_p99_ms"] for one in found]
    middle["lost"] = sum(one["lost"] for one in found)
    return [middle]


def flood(port, bodies, rate, seconds):
    """Some seconds of requests that nobody waits for before the next one."""
    answers, n_sent = asyncio.run(open_loop(port, bodies, rate, seconds))
    by_status = {}
    for status, took in answers:
        by_status.setdefault(status, []).append(took)
    good = by_status.get(200, [])
    refused = by_status.get(503, [])
    return {
        "case": "4 times too many",
        "name": "imgfeat",
        "sent": n_sent,
        "by_status": {str(key): len(each) for key, each in by_status.items()},
        "lost": n_sent - len(answers) + len(by_status.get(0, [])),
        "accepted_p99_s": _quantile(good, 0.99),
        "refused_p50_ms": 1e3 * _quantile(refused, 0.5),
        "refused_p99_ms": 1e3 * _quantile(refused, 0.99),
        "deadline_s": DEADLINE_S,
    }


def _quantile(values, share):
    ordered = sorted(values) or [0.0]
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and end the servers
    with ExitStack() as stack:
        path, images = stack.enter_context(photo_model())
        predictor = Predictor(path)
        gc.collect()
        gc.freeze()  # else the client stands still for a moment, now and then
        ports = {}
        for name, (command, port, health) in servers(path).items():
            stack.enter_context(running(command, port, health))
            ports[name] = port
        seconds = options.seconds
        rows = shown(throughput(predictor, ports, images, options.rounds, seconds))
        ours = [row for row in rows if row["name"].startswith("imgfeat")]
        rate = max(row["images_per_s"] for row in ours)
        rows += shown(latency(predictor, ports, images, options.rounds, seconds / 2))
        rows += shown(overload(ports["imgfeat"], images, rate, options.rounds, seconds))
    if options.json:
        save(options.json, rows)


def shown(rows):
    """Print rows; return them."""
    for row in rows:
        parts = {key: _short(value) for key, value in row.items() if key != "rounds"}
        print(parts, flush=True)
    return rows


def _short(value):
    return round(value, 3) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
