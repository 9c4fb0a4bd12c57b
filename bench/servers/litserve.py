"""LitServe, batching as its documentation has it."""

import sys
from pathlib import Path
from typing import Any

import litserve as ls
import numpy as np

from bench.servers.work import answer, pixels
from cutaway.ship.formats import open_exported


class Network(ls.LitAPI):
    """Decodes, batches, answers."""

    def setup(self, device: str) -> None:
        self.network = open_exported(Path(sys.argv[1]))

    def decode_request(self, request: dict[str, Any], **given: Any) -> np.ndarray:
        return pixels(request["images"][0])

    def batch(self, inputs: list[np.ndarray]) -> np.ndarray:
        return np.stack(inputs)

    def predict(self, x: np.ndarray, **given: Any) -> np.ndarray:
        return self.network.answer(x)

    def unbatch(self, output: np.ndarray) -> list[np.ndarray]:
        return list(output)

    def encode_response(self, output: np.ndarray, **given: Any) -> dict[str, Any]:
        return {"answers": [answer(output, self.network.about.classes)]}


if __name__ == "__main__":
    api = Network(max_batch_size=64, batch_timeout=0.002)
    server = ls.LitServer(api, accelerator="cpu", timeout=60)
    server.run(
        host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False, log_level="error"
    )
