"""The model of `bench_serving` under LitServe.

python -m benchmarks.peer_litserve MODEL PORT
"""

import sys
from base64 import b64decode

import litserve

from imgfeat import Predictor


class Api(litserve.LitAPI):
    """JSON with base64 to a label, in batches."""

    def setup(self, device):
        self.predictor = Predictor(sys.argv[1])

    def decode_request(self, request):
        return b64decode(request["images"][0])

    def batch(self, inputs):
        return list(inputs)

    def predict(self, images):
        return self.predictor.predict(images)

    def unbatch(self, output):
        return output

    def encode_response(self, answer):
        return {"label": answer.label, "probabilities": answer.probabilities}


if __name__ == "__main__":
    api = Api(max_batch_size=16, batch_timeout=0.002)
    server = litserve.LitServer(api, accelerator="cpu", timeout=30)
    server.run(host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False)
