"""Every picture below a folder, whatever the folders are called."""

import numpy as np
import pytest
from PIL import Image

from cutaway.data.unlabelled import load_unlabelled
from cutaway.errors import CutawayError


def save(path, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8), value, np.uint8)).save(path)


def test_pictures_at_any_depth_in_natural_order(tmp_path):
    for i, name in enumerate(["10.png", "9.png", "more/deep/1.png"]):
        save(tmp_path / name, i)
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / "broken.png").write_bytes(b"broken")
    images = load_unlabelled(str(tmp_path))
    assert list(images.names) == ["9.png", "10.png", "more/deep/1.png"]
    assert images.images.flatten(1)[:, 0].tolist() == [1, 0, 2]
    assert [one.where for one in images.findings if one.left_out] == [("broken.png",)]


def test_other_data_as_they_are(tmp_path):
    assert len(load_unlabelled("digits")) == 1797
    with pytest.raises(CutawayError, match="holds no picture"):
        load_unlabelled(str(tmp_path))
    with pytest.raises(CutawayError, match="There is no folder or file"):
        load_unlabelled(str(tmp_path / "none/such"))
