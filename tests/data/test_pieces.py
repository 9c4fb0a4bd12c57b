import json
import tarfile
from io import BytesIO
from pathlib import Path

import pytest
from helpers.pictures import encoded, image

from cutaway.data.sources import load
from cutaway.errors import DataError

CLASSES = ["cat", "dog", "hen"]


def archive(path: Path, count: int, seed: int = 0, **beside: object) -> None:
    """Pictures `0.png`, ... with what lies beside each: a function of its number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as file:
        for i in range(count):
            contents = {"png": encoded(image(8, 8, seed=seed + i))}
            contents |= {end: str(of(i)).encode() for end, of in beside.items()}  # type: ignore[operator]
            for ending, content in contents.items():
                info = tarfile.TarInfo(f"{i:04}.{ending}")
                info.size = len(content)
                file.addfile(info, BytesIO(content))


def shard(path: Path, count: int, seed: int = 0) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    features = {"label": {"names": CLASSES, "_type": "ClassLabel"}}
    pictures = [{"bytes": encoded(image(8, 8, seed=seed + i)), "path": None} for i in range(count)]
    table = pa.table({"image": pictures, "label": [i % 3 for i in range(count)]})
    told = json.dumps({"info": {"features": features}})
    parquet.write_table(table.replace_schema_metadata({"huggingface": told}), path)


def test_parquet_files_of_parts_are_one_set(tmp_path: Path) -> None:
    for i in range(2):
        shard(tmp_path / f"data/train-{i:05}-of-00002.parquet", 9, seed=10 * i)
    shard(tmp_path / "data/test-00000-of-00001.parquet", 6, seed=50)
    (tmp_path / "README.md").write_text("About these data.")
    images = load(tmp_path)
    assert images.classes == ("cat", "dog", "hen")
    assert images.parts is not None
    assert images.parts.bincount().tolist() == [18, 0, 6]
    seeds = [*range(50, 56), *range(9), *range(10, 19)]  # in the order of their names
    assert (images.images.numpy() == [image(8, 8, seed=seed) for seed in seeds]).all()


def test_parquet_files_without_parts_are_one_set_undivided(tmp_path: Path) -> None:
    for i in range(11):
        shard(tmp_path / f"{i}.parquet", 3, seed=10 * i)
    images = load(tmp_path)
    assert images.parts is None
    assert (images.images[6].numpy() == image(8, 8, seed=20)).all()  # 2 comes before 10


def test_parquet_files_of_different_columns_are_refused(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    shard(tmp_path / "a.parquet", 3)
    parquet.write_table(pa.table({"x": [1]}), tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"different columns, a\.parquet and b\.parquet"):
        load(tmp_path)


def test_archives_in_the_way_of_webdataset_are_one_set(tmp_path: Path) -> None:
    for i in range(2):
        archive(tmp_path / f"train-{i:06}.tar", 6, 10 * i, cls=lambda k: CLASSES[k % 3])
    archive(tmp_path / "val-000000.tar", 3, 50, cls=lambda k: CLASSES[k])
    images = load(tmp_path)
    assert images.classes == ("cat", "dog", "hen")
    assert images.parts is not None
    assert images.parts.bincount().tolist() == [12, 3]
    assert images.names[7] == "train-000001/0001.png"
    assert (images.images[7].numpy() == image(8, 8, seed=11)).all()
    assert images.targets[:6].tolist() == [0, 1, 2, 0, 1, 2]


def test_json_beside_a_picture_gives_columns(tmp_path: Path) -> None:
    told = {"json": lambda k: json.dumps({"weight": k / 4, "farm": "ab"[k % 2], "box": [1, 2]})}
    archive(tmp_path / "0.tar", 12, **told)
    archive(tmp_path / "1.tar", 12, 20, **told)
    images = load(tmp_path, label="weight", numbers=True, group_by="farm")
    assert images.values is not None
    assert images.values[:3].flatten().tolist() == [0.0, 0.25, 0.5]
    assert images.groups is not None
    assert images.groups[:4].tolist() == [0, 1, 0, 1]


def test_one_archive_alone_is_read_so_too(tmp_path: Path) -> None:
    archive(tmp_path / "photos.tar", 6, cls=lambda k: k % 2)
    images = load(tmp_path / "photos.tar")
    assert images.classes == ("0", "1")
    assert images.name == str(tmp_path / "photos.tar")


def test_archives_without_labels_are_refused(tmp_path: Path) -> None:
    archive(tmp_path / "0.tar", 3)
    archive(tmp_path / "1.tar", 3)
    with pytest.raises(DataError, match=r"7\.jpg should lie beside 7\.cls"):
        load(tmp_path)


def test_class_folders_beside_a_table_stay_class_folders(tmp_path: Path) -> None:
    for name in CLASSES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "0.png").write_bytes(encoded(image(8, 8)))
    (tmp_path / "cat" / "old.tar").write_bytes(b"")
    assert load(tmp_path).classes == tuple(CLASSES)
