"""What a service counts, for Prometheus."""

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from imgfeat.deploy.serve._micro_batcher import Watch

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class ServiceMetrics:
    """Counters of one process; where there are several workers, `text` adds them up."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self):
        self._registry = CollectorRegistry()
        count, times = self._counter, self._histogram
        self.requests = count("requests", "Requests by status.", "status")
        self.refused = count(
            "refused", "Requests without an answer, by cause.", "cause"
        )
        self.images = count("images", "Images answered.", "model", "task")
        self.failures = count(
            "image_failures", "Images with an error, by cause.", "model", "cause"
        )
        self.unknown = count(
            "unknown", "Images answered that the model calls unknown.", "model"
        )
        self.dropped = count("dropped", "Images whose client left early.", "model")
        self.reloads = count("reloads", "New files of a model.", "model", "result")
        self.queue = times("queue_seconds", "An image waits.", _SECONDS)
        self.decode = times("decode_seconds", "An image is decoded.", _SECONDS)
        self.compute = times("compute_seconds", "A batch runs.", _SECONDS)
        self.batch = times("batch_size", "Images in a batch.", _SIZES)
        self.in_line = Gauge(
            "imgfeat_in_line",
            "Images that are read, wait or run.",
            ["model"],
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    def text(self):
        """All of it as Prometheus reads it."""
        registry = self._registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)
        return generate_latest(registry)

    def watch(self, model):
        """What a batcher tells of one model."""
        return _ModelWatch(self, model)

    def _counter(self, name, about, *labels):
        return Counter(f"imgfeat_{name}", about, labels, registry=self._registry)

    def _histogram(self, name, about, buckets):
        return Histogram(
            f"imgfeat_{name}",
            about,
            ["model"],
            buckets=buckets,
            registry=self._registry,
        )


class _ModelWatch(Watch):
    def __init__(self, metrics, model):
        self._queue = metrics.queue.labels(model)
        self._compute = metrics.compute.labels(model)
        self._batch = metrics.batch.labels(model)
        self._dropped = metrics.dropped.labels(model)

    def waited(self, seconds):
        self._queue.observe(seconds)

    def ran(self, n_items, seconds):
        self._compute.observe(seconds)
        self._batch.observe(n_items)

    def dropped(self, n_items):
        self._dropped.inc(n_items)
