"""Write docs/capacity.md: what an embedding job needs, from measured rates.

Rates are those of results/*.json. Prices, sizes and what a GPU does are not measured:
they are arguments, and the page says that they were stated.

    python -m benchmarks.capacity                      # writes docs/capacity.md
    python -m benchmarks.capacity --core-hour 0.03 --gpu-hour 1.5 --print
"""

import argparse
import json
from dataclasses import dataclass, fields
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "capacity.md"
# Numbers in an embedding.
WIDTHS = {
    "efficientnet_lite0": 1280,
    "resnet18": 512,
    "resnet50": 2048,
    "vit_b_16": 768,
}
PART_ROWS = 10_000
MILLION, BILLION = 10**6, 10**9


@dataclass(frozen=True)
class Stated:
    """What nobody measured here: prices and sizes, as stated by whoever runs this."""

    date: str = "2026-11-29"
    core_hour: float = 0.04  # dollars
    gpu_hour: float = 2.00  # dollars, without the cores beside it
    photo_kb: float = 110.0  # 1000 bytes
    machine_cores: int = 32
    network_gbit: float = 10.0  # a second, a machine
    gpu_images_per_s: float = 2500.0  # an assumption: no CUDA device was measured
    fleet_cores: int = 1000


@dataclass(frozen=True)
class Measured:
    """Images per second of one core."""

    decoding: float
    nets: dict  # with resizing; no decoding
    machine: str


def read_rates():
    """The rates of results/bench_decode.json and results/bench_engines.json."""
    decoding, engines = (
        json.loads((HERE / "results" / f"{name}.json").read_text())
        for name in ("bench_decode", "bench_engines")
    )
    cores = engines["environment"]["cores"]  # a net had all of them
    nets = {
        row["case"]: row["images_per_s"] / cores
        for row in engines["results"]
        if row["name"] == "imgfeat, with resize"
    }
    (one_thread,) = (
        row["images_per_s"]
        for row in decoding["results"]
        if row["case"] == "photographs, JPEG" and row["name"] == "imgfeat"
    )
    where = engines["environment"]
    return Measured(one_thread, nets, f"{where['cpu']}, {cores} cores")


def core_hours(n_images, rate):
    return n_images / rate / 3600


def both(first, second):
    """The rate of one core that does one thing after the other."""
    return 1 / (1 / first + 1 / second)


def table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def stated_table(stated):
    rows = [
        ["a core hour", f"${stated.core_hour:.3f}"],
        ["a GPU hour", f"${stated.gpu_hour:.2f}"],
        ["a photograph", f"{stated.photo_kb:.0f} kB"],
        ["a machine", f"{stated.machine_cores} cores, {stated.network_gbit:g} Gbit/s"],
        ["a GPU", f"{stated.gpu_images_per_s:,.0f} images/s"],
    ]
    return table([f"as stated by you, {stated.date}", ""], rows)


def rates_table(rates):
    rows = [["decode a photograph", f"{rates.decoding:,.0f}", "-"]]
    rows += [
        [f"`{net}`", f"{rate:,.1f}", f"{both(rates.decoding, rate):,.1f}"]
        for net, rate in rates.nets.items()
    ]
    return table(["one core", "images/s", "images/s with decoding"], rows)


def million_table(rates, stated):
    rows = []
    for net, rate in rates.nets.items():
        hours = core_hours(MILLION, both(rates.decoding, rate))
        share = rate / (rate + rates.decoding)
        cells = [f"{hours:,.1f}", f"{share:.0%}", f"{hours * stated.core_hour:,.2f}"]
        cells.append(f"{MILLION * WIDTHS[net] * 4 / 1e9:,.1f}")
        rows.append([f"`{net}`", *cells])
    head = ["1,000,000 photographs", "core hours", "of it decoding", "$", "GB written"]
    return table(head, rows)


def bottleneck_table(rates, stated):
    """What a machine reaches, and what keeps it from more."""
    network = stated.network_gbit * 1e9 / 8 / (stated.photo_kb * 1e3)
    decoding = rates.decoding * stated.machine_cores
    rows = []
    for net, rate in rates.nets.items():
        by_cores = both(rates.decoding, rate) * stated.machine_cores
        reached = min(by_cores, network)
        what = "cores: the net" if by_cores < network else "network"
        rows.append([f"`{net}` on cores", f"{reached:,.0f}", what])
    for n_gpus in (1, 4, 8):
        limits = {
            "the GPUs": n_gpus * stated.gpu_images_per_s,
            "network": network,
            "cores: decoding": decoding,
        }
        what = min(limits, key=limits.get)
        many = f"{n_gpus} GPU{'s' * (n_gpus > 1)}, assumed"
        rows.append([many, f"{limits[what]:,.0f}", what])
    return table(["a machine", "images/s", "what limits it"], rows)


def billion_table(rates, stated):
    rows = []
    for net, rate in rates.nets.items():
        hours = core_hours(BILLION, both(rates.decoding, rate))
        cells = [f"{hours:,.0f}", f"{hours / stated.fleet_cores / 24:,.1f}"]
        cells.append(f"{hours * stated.core_hour:,.0f}")
        cells.append(f"{BILLION * WIDTHS[net] * 4 / 1e12:,.1f}")
        rows.append([f"`{net}`", *cells])
    fleet = f"days on {stated.fleet_cores:,} cores"
    return table(["1,000,000,000 photographs", "core hours", fleet, "$", "TB"], rows)


def gpu_lines(rates, stated):
    """A billion with assumed GPUs, fed by cores."""
    feeding = stated.gpu_images_per_s / rates.decoding
    hours = BILLION / stated.gpu_images_per_s / 3600
    dollars = hours * (stated.gpu_hour + feeding * stated.core_hour)
    return (
        f"A GPU of {stated.gpu_images_per_s:,.0f} images/s, which is assumed, needs "
        f"{feeding:.1f} cores that only decode.\nA billion photographs are then "
        f"{hours:,.0f} GPU hours and {hours * feeding:,.0f} core hours:\n"
        f"${dollars:,.0f}."
    )


def write_page(rates, stated):
    """The text of docs/capacity.md."""
    n_parts = MILLION // PART_ROWS
    read_gb = MILLION * stated.photo_kb * 1e3 / 1e9
    read_tb = BILLION * stated.photo_kb * 1e3 / 1e12
    return f"""# Capacity: what millions of images need

`python -m benchmarks.capacity` writes this page from `benchmarks/results/*.json`.

**Measured**: rates of one core ({rates.machine}), from photographs of 500 x 375 pixels
in JPEG files. Rates of nets are those of all cores, divided by their number. That more
cores and machines give as many times more is assumed. Nothing was measured on CUDA.

**Stated, not measured**: prices and sizes. The defaults are examples, of no provider;
give yours with `python -m benchmarks.capacity --help`.

{stated_table(stated)}

## One core

{rates_table(rates)}

## A million

Core hours are images / (3600 x images/s with decoding). Vectors are float32.

{million_table(rates, stated)}

They are {read_gb:,.0f} GB to read, and {n_parts:,} parts of {PART_ROWS:,} rows
to write.

## Where the bottleneck moves

On cores alone the net is what takes the time. With GPUs it is, sooner or later, the
cores that decode or the network that brings the files. `fast_decode=True` and smaller
files then do more than another GPU.

{bottleneck_table(rates, stated)}

## A billion

{billion_table(rates, stated)}

They are {read_tb:,.0f} TB to read, and {1000 * n_parts:,} parts. A search over the
vectors is a job of its own.

{gpu_lines(rates, stated)}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for field in fields(Stated):
        option = "--" + field.name.replace("_", "-")
        parser.add_argument(option, type=field.type, default=field.default)
    parser.add_argument("--print", action="store_true", help="do not write the page")
    given = vars(parser.parse_args())
    to_screen = given.pop("print")
    page = write_page(read_rates(), Stated(**given))
    if to_screen:
        print(page)
    else:
        PAGE.write_text(page)


if __name__ == "__main__":
    main()
