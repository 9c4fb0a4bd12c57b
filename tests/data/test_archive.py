import tarfile
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from helpers.pictures import encoded, image, noise, two_classes

from cutaway.data import archive, cache
from cutaway.data.sources import load
from cutaway.errors import DataError, UsageError


def zipped(path: Path, contents: dict[str, bytes], **options: int) -> Path:
    with zipfile.ZipFile(path, "w", **options) as file:
        for name, content in contents.items():
            file.writestr(name, content)
    return path


def photographs(each: int = 3, root: str = "") -> dict[str, bytes]:
    return {
        f"{root}{name}/{i}.png": encoded(image(8, 8, seed=10 * k + i))
        for k, name in enumerate(("cat", "dog"))
        for i in range(each)
    }


@pytest.mark.parametrize("root", ["", "photos/", "a/b/"])
def test_a_zip_is_read_as_its_folder(tmp_path: Path, root: str) -> None:
    path = zipped(tmp_path / "photos.zip", photographs(root=root), compression=zipfile.ZIP_DEFLATED)
    images = load(path)
    assert images.classes == ("cat", "dog")
    assert images.names[4] == "dog/1.png"
    assert (images.images[4].numpy() == noise(8, 8, seed=11)).all()
    assert images.name == str(path)
    assert [p.name for p in tmp_path.iterdir()] == ["photos.zip"]


def test_a_second_start_unpacks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "photos.zip", photographs())
    first = load(path).fingerprint
    with monkeypatch.context() as patch:
        patch.setattr(archive, "_unzip", lambda *_: pytest.fail("unpacked again"))
        assert load(path).fingerprint == first
    next(cache.root().rglob("dog/1.png")).unlink()
    assert load(path).fingerprint == first


def test_parts_masks_and_tables_within(tmp_path: Path) -> None:
    divided = photographs(root="all/train/") | photographs(1, root="all/test/")
    images = load(zipped(tmp_path / "parts.zip", divided))
    assert images.parts is not None
    assert images.parts.tolist() == [0] * 6 + [2] * 2
    rows = "id,label\n" + "\n".join(f"{i},{'ab'[i % 2]}" for i in range(4))
    table = {f"pictures/{i}.png": encoded(image(8, 8, seed=i)) for i in range(4)}
    images = load(zipped(tmp_path / "table.zip", {**table, "labels.csv": rows.encode()}))
    assert images.classes == ("a", "b")
    assert images.names[3] == "pictures/3.png"


@pytest.mark.parametrize("ending", ["tar", "tar.gz", "tgz", "tar.xz"])
def test_tar(tmp_path: Path, ending: str) -> None:
    two_classes(tmp_path / "photos")
    path = tmp_path / f"photos.{ending}"
    with tarfile.open(path, f"w:{'' if ending == 'tar' else ending[-2:]}") as file:
        file.add(tmp_path / "photos", "photos")
        link = tarfile.TarInfo("photos/a/link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(link)
    assert load(path).fingerprint == load(tmp_path / "photos").fingerprint


def test_what_systems_add_is_passed_over(tmp_path: Path) -> None:
    more = {"__MACOSX/photos/cat/._0.png": b"x", "photos/.DS_Store": b"x"}
    images = load(zipped(tmp_path / "mac.zip", photographs(root="photos/") | more))
    assert len(images) == 6
    assert images.findings == ()


@pytest.mark.parametrize("code", ["utf-8", "cp949"])
def test_names_in_the_encoding_of_a_country(tmp_path: Path, code: str) -> None:
    plain = {name.replace("cat", "aaaa"): content for name, content in photographs().items()}
    path = zipped(tmp_path / "photos.zip", plain)
    name = {"cp949": "개개", "utf-8": "éé"}[code]
    path.write_bytes(path.read_bytes().replace(b"aaaa", name.encode(code)))
    assert set(load(path).classes) == {"dog", name}


@pytest.mark.parametrize(
    "name", ["../cat/x.png", "/cat/x.png", "cat/../../x.png", "C:\\cat\\x.png"]
)
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / "bad.zip", {**photographs(), name: b"x"})
    with pytest.raises(DataError, match=r"leads out of its folder"):
        load(path)
    path = tmp_path / "bad.tar"
    with tarfile.open(path, "w") as file:
        file.addfile(tarfile.TarInfo(name.replace("\\", "/")), BytesIO())
    with pytest.raises(DataError, match=r"leads out of its folder"):
        load(path)


def test_a_damaged_file_costs_that_file(tmp_path: Path) -> None:
    path = zipped(tmp_path / "photos.zip", photographs())
    content = encoded(image(8, 8, seed=11))
    damaged = content[:-20] + bytes(20)
    path.write_bytes(path.read_bytes().replace(content, damaged))
    images = load(path)
    assert [(f.kind, f.where, f.left_out) for f in images.findings] == [
        ("damaged", ("dog/1.png",), True)
    ]
    assert len(images) == 5


def test_archives_that_cannot_be_used(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "photos.zip", photographs()).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[:-60])
    (tmp_path / "no.tar.gz").write_bytes(b"no archive")
    for name in ("cut.zip", "no.tar.gz"):
        with pytest.raises(DataError, match=r"is not a valid archive \(.*\): get it again"):
            load(tmp_path / name)
    with pytest.raises(DataError, match=r"empty.zip holds no file"):
        load(zipped(tmp_path / "empty.zip", {}))
    locked = bytearray(whole)
    for start in (b"PK\x03\x04", b"PK\x01\x02"):
        place = locked.find(start) + (6 if start[2] == 3 else 8)
        locked[place] |= 1  # the flag of an encrypted member
    (tmp_path / "locked.zip").write_bytes(locked)
    with pytest.raises(DataError, match=r"locked by a password: unpack it"):
        load(tmp_path / "locked.zip")
    one = zipped(tmp_path / "one.zip", {k: v for k, v in photographs().items() if "cat" in k})
    with pytest.raises(DataError) as raised:
        load(one)
    assert str(one) in str(raised.value)
    assert str(cache.root()) not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x.rar", "unpack it, and name the folder"),
        ("x.7z", "unpack it, and name the folder"),
        ("x.xlsx", "save it as CSV"),
        ("x.npz", "open it with NumPy"),
        ("x.pkl", "could run code"),
        ("x.json", "write a CSV"),
        ("x.h5", "save it as Parquet"),
        ("x.foo", "neither a picture nor a table"),
    ],
)
def test_what_is_read_in_another_form(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(UsageError, match=said):
        load(tmp_path / name)
