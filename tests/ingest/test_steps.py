"""The table of a sweep's steps agrees with the table of streams."""

from __future__ import annotations

from monitor.ingest.sweep import STEPS
from monitor.models import Stream
from monitor.models.sync import STREAMS


def test_each_step_costs_calls_of_the_product_whose_stream_it_reads() -> None:
    of_both = Stream.DEFINITIONS  # read last, of what each product has left

    apart = [step for step in STEPS if step.stream != of_both and step.stream not in STREAMS[step.product]]

    assert apart == []


def test_each_stream_is_read_by_a_step() -> None:
    assert {step.stream for step in STEPS} == set(Stream)
