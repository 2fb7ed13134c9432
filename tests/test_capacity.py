"""Tests for benchmarks/capacity.py and docs/capacity.md, which it writes."""

from dataclasses import replace

import pytest

from benchmarks.capacity import (
    PAGE,
    WIDTHS,
    Stated,
    both,
    bottleneck_table,
    read_rates,
    write_page,
)


def test_the_page_is_what_the_script_writes_from_the_measured_rates():
    assert PAGE.read_text() == write_page(read_rates(), Stated())


def test_a_core_that_does_two_things_takes_the_time_of_both():
    assert both(100, 25) == pytest.approx(1 / (0.01 + 0.04))


def test_every_net_that_was_measured_has_a_width():
    assert set(read_rates().nets) == set(WIDTHS)


def test_the_network_limits_a_machine_whose_files_are_large():
    rates = read_rates()
    assert "cores: decoding" in bottleneck_table(
        rates, Stated(machine_cores=2, photo_kb=1)
    )
    slow = replace(Stated(), network_gbit=0.001)
    rows = bottleneck_table(rates, slow).splitlines()[2:]
    assert all(row.endswith("| network |") for row in rows)
