"""The model of `bench_serving` under BentoML.

MODEL=... python -m bentoml serve benchmarks.peer_bentoml:Service --port PORT
"""

import os
from base64 import b64decode

import bentoml

from imgfeat import Predictor


@bentoml.service(workers=1, traffic={"timeout": 30})
class Service:
    """JSON with base64 to labels, in batches."""

    def __init__(self):
        self.predictor = Predictor(os.environ["MODEL"])

    @bentoml.api(batchable=True, max_batch_size=16, max_latency_ms=10_000)
    def predict(self, images: list[str]) -> list[dict]:
        """Label images."""
        answers = self.predictor.predict([b64decode(text) for text in images])
        return [
            {"label": each.label, "probabilities": each.probabilities}
            for each in answers
        ]
