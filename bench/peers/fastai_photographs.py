"""fastai on a folder of photographs: a `vision_learner`, its head alone or first.

    python -m bench.peers.fastai_photographs FOLDER WEIGHTS WAY --epochs 5 --size 160

WEIGHTS is a file of timm's names, with `mean` and `std` in its metadata.
"""

import argparse
import json
from time import perf_counter

import torch
from fastai.callback.schedule import Learner  # with fine_tune and no_bar
from fastai.data.transforms import get_image_files
from fastai.metrics import accuracy
from fastai.torch_core import set_seed
from fastai.vision.augment import Resize, aug_transforms
from fastai.vision.data import ImageDataLoaders
from fastai.vision.learner import vision_learner
from safetensors import safe_open

NETWORK = "tf_efficientnet_lite0"


def learner(asked: argparse.Namespace) -> Learner:
    """As the pages on vision have it, with weights from a file."""
    changes = [] if asked.way == "plain" else aug_transforms()
    loaders = ImageDataLoaders.from_folder(
        asked.folder, train="train", valid="valid", bs=32, num_workers=2, seed=0,
        item_tfms=Resize(asked.size), batch_tfms=changes, device=torch.device("cpu"),
    )  # fmt: skip
    with safe_open(asked.weights, "pt") as file:
        told = {name: json.loads(values) for name, values in file.metadata().items()}
    overlay = {"file": asked.weights, **told}
    return vision_learner(loaders, NETWORK, metrics=accuracy, pretrained_cfg_overlay=overlay)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("weights")
    parser.add_argument("way", choices=("plain", "frozen", "tuned"))
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--size", type=int)
    asked = parser.parse_args()
    set_seed(0)
    one = learner(asked)
    with one.no_bar(), one.no_logging():
        began = perf_counter()
        one.fine_tune(asked.epochs) if asked.way == "tuned" else one.fit_one_cycle(asked.epochs)
        seconds = perf_counter() - began
        test = one.dls.test_dl(get_image_files(f"{asked.folder}/test"), with_labels=True)
        _, right = one.validate(dl=test)
    print(json.dumps({"accuracy": right, "training": seconds}), flush=True)


if __name__ == "__main__":
    main()
