"""Every view of every kind of system: figures that say something, and a network left as it was."""

import pytest
import torch

from cutaway.api import fit
from cutaway.figures import from_dict
from cutaway.learn.callbacks import Callback
from cutaway.studio.scene import LiveScene
from cutaway.studio.views import views_of

SYSTEMS = {
    ("mlp", "xor"): {"curves", "regions", "maps", "health"},
    ("perceptron", "and"): {"curves", "regions", "health"},
    ("lenet5", "digits"): {
        "curves", "answer", "maps", "filters", "confusion", "mistakes", "health"
    },
    ("conv_autoencoder", "digits"): {"curves", "pictures", "maps", "filters", "codes", "health"},
    ("vae", "digits"): {"curves", "pictures", "maps", "filters", "codes", "health"},
    ("dcgan", "digits"): {"curves", "pictures", "filters", "health"},
    ("improved_gan", "digits"): {"curves", "health"},
    ("siren", "china"): {"curves", "pictures", "derivatives", "health"},
    ("signal_net", "waveforms"): {"curves", "maps", "health"},
    ("resnet20", "digits"): {"curves", "answer", "maps", "filters", "confusion", "health"},
}  # fmt: skip


class Enough(Exception):
    """The training has gone far enough."""


class Looks(Callback):
    """Draws all views after two steps, with one evaluation, and once more with a picture of
    somebody's own; then ends the training."""

    def __init__(self):
        self.figures = {}
        self.same = False

    def on_step_end(self, training):
        if training.step < 2:
            return
        scene = LiveScene(training)
        stage = training.stage
        if stage.val is not None:
            scene.evaluation = stage.task.evaluate(
                training.model, stage.val, training.run.data.target, training.runtime
            )
        before = {name: value.clone() for name, value in training.model.state_dict().items()}
        modes = [module.training for module in training.model.modules()]
        for name, view in views_of(scene).items():
            self.figures[name] = view.draw(scene, view.chosen(scene, {}))
            for option, about in view.options(scene).items():
                last = about.choices[-1][0]
                view.draw(scene, view.chosen(scene, {option: last}))
        after = training.model.state_dict()
        self.same = all(torch.equal(value, after[name]) for name, value in before.items())
        self.same &= modes == [module.training for module in training.model.modules()]
        raise Enough


@pytest.mark.parametrize(("model", "data"), SYSTEMS, ids=str)
def test_all_views_of_a_system(model, data, tmp_path):
    looks = Looks()
    with pytest.raises(Enough):
        fit(model, data, out=tmp_path / "run", progress=False, callbacks=[looks], batch_size=16)
    assert set(looks.figures) >= SYSTEMS[model, data]
    for name, figures in looks.figures.items():
        assert figures or name == "mistakes", name
        for figure in figures:
            assert from_dict(figure.to_dict()) == figure
    assert looks.same
