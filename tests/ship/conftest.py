"""Small real runs, each trained once."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from cutaway import recipes
from cutaway.errors import DataError
from cutaway.learn.fit import fit
from cutaway.learn.loading import load_for
from cutaway.learn.run import Run
from cutaway.ship.export import Export, export
from cutaway.ship.formats import FORMATS
from cutaway.ship.onnxruntime_web import BINARY, SCRIPT, runtime

Trained = Callable[[str], Run]
SMALL = {
    "lenet5": ("digits", {"epochs": 3}),
    "mlp": ("digits", {"epochs": 3}),
    "vae": ("digits", {"epochs": 1}),
    "dcgan": ("digits", {"epochs": 1, "model_options": {"width": 8}}),
    "improved_gan": (
        "digits",
        {"epochs": 1, "model_options": {"width": 4, "kernels": 3, "reference": 4}},
    ),
    "autoencoder": ("digits", {"epochs": 1}),
    "signal_net": ("waveforms", {"epochs": 1}),
    "gates": ("xor", {"epochs": 1, "repeat": 10}),
    "siren": ("china", {"epochs": 1, "image_size": 32}),
}


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A run of a model's own on data that need no download; the same one when asked again."""
    runs: dict[str, Run] = {}

    def train(model: str) -> Run:
        if model not in runs:
            data, changes = SMALL[model]
            recipe = recipes.starting_point(model, data).override(**changes)
            place: Path = tmp_path_factory.mktemp("runs") / model
            runs[model] = fit(recipe, load_for(recipe, data), out=place)
        return runs[model]

    return train


@pytest.fixture(scope="session")
def shipped(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Export]:
    """An export of such a run in a format, for tests that leave it as it is; made once."""

    @cache
    def ship(model: str, to: str) -> Export:
        place = tmp_path_factory.mktemp("exports") / f"net{FORMATS[to].ending}"
        (exported,) = export(trained(model), to, out=place)
        return exported

    return ship


@pytest.fixture(scope="session", autouse=True)
def operators_read_once() -> Iterator[None]:
    """The exporter reads the source of all operators that it knows, seconds each time, anew."""
    from torch.onnx._internal.exporter import _registration

    with pytest.MonkeyPatch.context() as patch:
        theirs = _registration.onnxscript_apis
        patch.setattr(theirs, "get_torchlib_ops", cache(theirs.get_torchlib_ops))
        yield


@pytest.fixture(scope="session")
def npm(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """onnxruntime-web's files, downloaded once and kept where pytest keeps things."""
    assert pytestconfig.cache
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUTAWAY_CACHE", str(pytestconfig.cache.mkdir("onnxruntime-web")))
        try:
            files = runtime()
        except DataError as error:
            pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("npm")
    (folder / SCRIPT).write_text(files.script, encoding="utf-8")
    (folder / BINARY).write_bytes(files.binary)
    return folder
