"""Make the network that judges drawn digits: `python scripts/feature_network.py`.

It is trained once and kept with the package, so that Frechet distances can be compared between
runs and machines. Half precision, because that is what a reader has to download.
"""

import tempfile
from pathlib import Path

import cutaway as ca
from cutaway.learn.checkpoint import save_tensors
from cutaway.learn.fid import DIGITS


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = ca.fit("lenet_norm", "mnist", out=Path(folder) / "run", label_smoothing=0.0)
        tensors = {
            name: value.half() if value.is_floating_point() else value
            for name, value in run.model.state_dict().items()
        }
        facts = {"model": run.recipe.model, "options": {}, "data": run.data.to_dict()}
        DIGITS.parent.mkdir(exist_ok=True)
        save_tensors(DIGITS, tensors, facts | {"test_accuracy": run.results["accuracy"]})


if __name__ == "__main__":
    main()
