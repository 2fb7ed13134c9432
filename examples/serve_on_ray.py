"""
Serve a saved model on several machines with Ray Serve
======================================================

Where one machine is outgrown, Ray Serve runs as many copies of a model as there are
requests for, wherever its cluster has room, and shares them out. This serves the same
`Predictor` as ``imgfeat serve`` does, so its answers are the same::

    pip install "imgfeat[onnx,ray]"
    python serve_on_ray.py model.imgfeat
    curl --data-binary @photo.jpg http://127.0.0.1:8000/

Every machine needs the file at the same path. Without a cluster, Ray starts one on this
machine, and protects it by a token that it writes to ``~/.ray/auth_token``, unless
RAY_AUTH_MODE=disabled. Ctrl-C ends it.
"""

import argparse
import asyncio
import contextlib
import os
from pathlib import Path

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere

from ray import serve
from starlette.responses import JSONResponse

from imgfeat import Predictor


@serve.deployment(
    # A copy is added where more than 32 requests wait for each, and taken away again.
    autoscaling_config={
        "min_replicas": 1,
        "max_replicas": 8,
        "target_ongoing_requests": 32,
    },
    ray_actor_options={"num_cpus": 1},  # each; Ray gives it as many threads
    max_ongoing_requests=64,
    max_queued_requests=128,  # more get status 503
)
class Labels:
    """One copy of a model, in a process of its own.

    Parameters
    ----------
    path : str
        Of a file that ``imgfeat.save``, ``imgfeat train`` or ``compare`` wrote.
    """

    def __init__(self, path):
        self.predictor = Predictor(path)

    @serve.batch(max_batch_size=32, batch_wait_timeout_s=0.005)
    async def label(self, images):
        """Label images that came at the same time in one run of the model."""
        return await asyncio.to_thread(self.predictor.predict, images)

    async def __call__(self, request):
        """Answer a request whose body is an image."""
        answer = await self.label(await request.body())
        if answer.error is not None:
            return JSONResponse({"error": answer.error}, 422)
        shares = answer.probabilities or {}
        return {
            "label": answer.label,
            "probabilities": {str(label): share for label, share in shares.items()},
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    path = options.model.resolve(strict=True)
    serve.start(http_options={"host": "127.0.0.1", "port": options.port})
    with contextlib.suppress(KeyboardInterrupt):
        serve.run(Labels.bind(str(path)), blocking=True)


if __name__ == "__main__":
    main()
