"""A plain FastAPI route: `def`, which runs in a thread, or with a third argument `async def`."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from bench.servers.work import answer, pixels
from cutaway.ship.formats import open_exported

app = FastAPI()


class Body(BaseModel):
    """Pictures in base64."""

    images: list[str]


def predict(body: Body) -> dict[str, Any]:
    p = network.answer(np.stack([pixels(one) for one in body.images]))
    return {"answers": [answer(row, network.about.classes) for row in p]}


async def predict_inline(body: Body) -> dict[str, Any]:
    return predict(body)


if __name__ == "__main__":
    network = open_exported(Path(sys.argv[1]))
    app.post("/predict")(predict if len(sys.argv) == 3 else predict_inline)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error", access_log=False)
