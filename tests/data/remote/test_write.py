from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.storage import Bucket

from cutaway.data.audit import audit
from cutaway.data.imageset import ImageSet
from cutaway.data.remote import write as writing
from cutaway.data.remote.index import NAME, Index
from cutaway.data.remote.write import Packed
from cutaway.data.sources import load
from cutaway.data.split import split
from cutaway.errors import CutawayError, DataError, UsageError
from cutaway.randomness import generator

PACKED = "s3://bucket/packed"


def noisy(count: int = 200, **fields: Any) -> ImageSet:
    """Images of noise, of which the first two are copies, with holes where one is looked for."""
    images = torch.randint(256, (count, 6, 5, 3), generator=generator(count)).to(torch.uint8)
    images[1] = images[0]
    targets = torch.arange(count) % 3
    names = [f"noise/{i}" for i in range(count)]
    return ImageSet(images, targets, ("a", "b", "c"), names, **{"name": "noise"} | fields)


def write(images: ImageSet, address: str = PACKED, **options: Any) -> Packed:
    return writing.write(
        images, address, **{"val": 0.1, "test": 0.2, "shard_size": 0.0015} | options
    )


def same(images: ImageSet, source: ImageSet) -> None:
    """A packed set has every image of its source, with all that is known of it."""
    place = {name: i for i, name in enumerate(source.names)}
    at = torch.tensor([place[name] for name in images.names])
    assert torch.equal(at.sort().values, torch.arange(len(source)))
    assert torch.equal(images.images[torch.arange(len(images))], source.images[at])
    assert torch.equal(images.truth, source.truth[at])
    assert images.target == source.target
    if source.groups is not None:
        assert images.groups is not None
        assert torch.equal(images.groups, source.groups[at])


def test_a_packed_set_is_its_source_with_audit_and_split(bucket: Bucket) -> None:
    source = noisy(groups=torch.arange(200) // 4, licence="free")
    made = write(source, seed=3)
    images = load(PACKED)
    same(images, source)
    assert (images.name, images.licence) == (PACKED, "free")
    assert len(made.index.shards) == -(-200 * 90 // 1440)  # 16 images of 90 bytes in each
    found, first = audit(images), audit(source)
    assert found.exact_clusters != []
    assert found.summary() == first.summary()
    bucket.faults.seen.clear()
    parts, drawn = split(images, duplicates=found.duplicates), split(source, seed=3)
    for part in ("train", "val", "test"):
        names = sorted(images.names[i] for i in getattr(parts, part).tolist())
        assert names == sorted(source.names[i] for i in getattr(drawn, part).tolist())
    assert bucket.faults.gets() == 0  # no image was read


def test_images_lie_in_random_order_within_their_part(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    write(noisy(), str(tmp_path))
    images = load(tmp_path)
    assert images.parts is not None
    assert images.parts.tolist() == sorted(images.parts.tolist())
    places = torch.tensor([int(name.rpartition("/")[2]) for name in images.names[:140]])
    assert abs(float(torch.corrcoef(torch.stack([places, torch.arange(140)]))[0, 1])) < 0.4


@pytest.mark.parametrize("kind", ["values", "labels", "signals"])
def test_other_targets_and_grids_come_back(tmp_path: Path, kind: str) -> None:
    pytest.importorskip("pyarrow")
    source = noisy()
    if kind == "values":
        source = source.with_values(torch.rand(200, 2, dtype=torch.float64), ["price", "age"])
    elif kind == "labels":
        source = source.with_labels((torch.rand(200, 3) > 0.5).to(torch.uint8), ["x", "y", "z"])
    else:
        source = ImageSet(source.images.flatten(1)[:, :, None], source.targets, *named(source))
    write(source, str(tmp_path))
    same(load(tmp_path), source)


def named(images: ImageSet) -> tuple[tuple[str, ...], Any]:
    return images.classes, images.names


def test_a_folder_here_is_packed_to_and_read_as_well(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    source = noisy()
    write(source, str(tmp_path / "packed"))
    images = load(tmp_path / "packed")
    same(images, source)
    assert images.name == str(tmp_path / "packed")


def test_to_pack_again_writes_nothing(bucket: Bucket) -> None:
    first = write(noisy())
    bucket.faults.seen.clear()
    second = write(noisy())
    assert second.index == first.index
    assert (first.kept, second.kept) == (0, second.bytes)
    written = [line for line in bucket.faults.seen if line.startswith("PUT")]
    assert all(NAME in line for line in written)


def test_what_was_written_before_an_interruption_is_used(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUTAWAY_PATIENCE", "0.3")
    bucket.faults.rule = lambda line: "503" if "shard-000009" in line else ""
    with pytest.raises(DataError, match=r"shard-000009.* cannot be written: it answers 503"):
        write(noisy())
    assert NAME not in "".join(bucket.names())
    with pytest.raises(CutawayError, match="no"):  # no half of a set is ever taken for a whole
        load(PACKED)
    bucket.calm()
    made = write(noisy())
    assert 0 < made.kept < made.bytes
    same(load(PACKED), noisy())


def test_other_data_are_not_written_over(bucket: Bucket) -> None:
    write(noisy())
    names = bucket.names()
    with pytest.raises(UsageError, match="holds another packed set already, which is not overwr"):
        write(noisy(150))
    with pytest.raises(UsageError, match="holds another packed set already"):
        write(noisy(), seed=1)
    assert bucket.names() == names


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"whole": True}, "noise is all there is, and is not packed"),
        ({"masks": torch.zeros(200, 6, 5, dtype=torch.uint8)}, "noise has masks, and is not"),
    ],
)
def test_what_is_not_packed_is_refused(
    fields: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=sentence):
        write(noisy(**fields), str(tmp_path))


def test_a_bucket_that_is_not_there_is_a_sentence(bucket: Bucket) -> None:
    with pytest.raises(DataError, match=r"s3://no-such-bucket/x.* cannot be written|nothing at"):
        write(noisy(), "s3://no-such-bucket/x")


def test_an_index_that_is_damaged_or_newer_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    write(noisy(), str(tmp_path))
    content = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(content[:-20])
    with pytest.raises(DataError, match=f"{NAME} is damaged: pack the data anew"):
        load(tmp_path)
    (tmp_path / NAME).write_bytes(content.replace(b'"version": 1', b'"version": 2'))
    with pytest.raises(DataError, match="was packed in version 2 of the format"):
        load(tmp_path)
    (tmp_path / NAME).write_bytes(content.replace(b'"shard-000003', b'"../shard-000003'))
    with pytest.raises(DataError, match="is damaged"):
        load(tmp_path)


def test_a_column_of_labels_is_chosen_when_packing(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    write(noisy(), str(tmp_path))
    with pytest.raises(UsageError, match="whose labels were chosen when it was packed"):
        load(tmp_path, label="kind")


def test_an_index_is_read_as_it_was_written(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    made = write(noisy(), str(tmp_path))
    again = Index.from_bytes((tmp_path / NAME).read_bytes(), PACKED)
    assert again.to_bytes() == made.index.to_bytes()
    assert again.digest == made.index.digest
