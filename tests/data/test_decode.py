import struct
import zlib
from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
from helpers.pictures import encoded, image, noise, smooth, write
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cutaway.data.decode import Unreadable, decode
from cutaway.data.frame import Frame
from cutaway.data.picture import LIMIT, TURNS, read, read_header

FORMATS = ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"]


def refusal(source: object) -> str:
    with pytest.raises(Unreadable) as error:
        decode(source, None, 3)  # type: ignore[arg-type]
    assert error.value.sentence.endswith(".")
    return error.value.kind


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_formats_give_back_every_pixel(format: str) -> None:
    pixels = noise(9, 7)
    assert (decode(encoded(Image.fromarray(pixels), format), None, 3) == pixels).all()


def test_a_file_and_its_content_give_the_same(tmp_path) -> None:
    path = write(tmp_path, "x.png", image(5, 6))
    assert (decode(path, None, 3) == decode(path.read_bytes(), None, 3)).all()


def test_colour_is_weighted_to_grey() -> None:
    pixels = noise(6, 6)
    grey = decode(encoded(Image.fromarray(pixels)), None, 1)[..., 0]
    assert np.allclose(grey, pixels @ [0.299, 0.587, 0.114], atol=1)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", TURNS)
def test_exif_orientation_is_undone(format: str, orientation: int) -> None:
    upright = smooth(24, 40)
    undo = {6: TURNS[8], 8: TURNS[6]}.get(orientation, TURNS[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(upright.transpose(undo), format, exif=exif)
    shown = decode(content, None, 3)
    assert np.abs(shown.astype(int) - np.asarray(upright)).mean() < 4
    if format != "TIFF":
        assert read_header(content)[:2] == (24, 40)
        assert "exif-rotated" in read(content, Frame(3)).notes


def test_cmyk_is_converted() -> None:
    content = encoded(smooth(32, 32).convert("CMYK"), "JPEG", quality=95)
    assert np.abs(decode(content, None, 3).astype(int) - np.asarray(smooth(32, 32))).mean() < 6
    assert read(content, Frame(3)).notes == ("cmyk",)


def test_palette_is_converted() -> None:
    picture = smooth(16, 16).quantize(200)
    content = encoded(picture)
    assert (decode(content, None, 3) == np.asarray(picture.convert("RGB"))).all()
    assert read(content, Frame(3)).notes == ("palette",)


def test_a_grey_palette_is_grey() -> None:
    grey = image(8, 8, 1)
    picture = grey.convert("P")
    assert read_header(encoded(picture)).grey
    assert (decode(encoded(picture), None, 1)[..., 0] == np.asarray(grey)).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_parts_are_white(mode: str) -> None:
    pixels = np.full((4, 4, len(mode)), 10, np.uint8)
    pixels[:2, :, -1], pixels[2:, :, -1] = 0, 255
    shown = decode(encoded(Image.fromarray(pixels, mode=None)), None, 3)
    assert (shown[:2] == 255).all()
    assert (shown[2:] == 10).all()
    assert "transparent" in read(encoded(Image.fromarray(pixels)), Frame(3)).notes


def test_a_transparent_palette_entry_is_white() -> None:
    picture = Image.new("P", (4, 4), 1)
    picture.putpalette([0, 0, 0, 9, 9, 9])
    picture.putpixel((0, 0), 0)
    shown = decode(encoded(picture, transparency=0), None, 3)
    assert shown[0, 0].tolist() == [255, 255, 255]
    assert shown[1, 1].tolist() == [9, 9, 9]


def test_transparency_by_bytes_does_not_warn() -> None:
    picture = smooth(8, 8).quantize(4)
    content = encoded(picture, transparency=bytes([0, 128, 255, 255]))
    assert decode(content, None, 3).shape == (8, 8, 3)


def test_a_transparent_grey_level_is_white() -> None:
    picture = Image.new("L", (3, 3), 7)
    picture.putpixel((0, 0), 0)
    shown = decode(encoded(picture, transparency=0), None, 1)
    assert (shown[0, 0, 0], shown[1, 1, 0]) == (255, 7)


def test_an_opaque_alpha_channel_is_not_noted() -> None:
    assert read(encoded(image(4, 4).convert("RGBA")), Frame(3)).notes == ()


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_to_eight(format: str) -> None:
    values = np.array([[0, 257, 32896, 65535]], np.uint16)
    content = encoded(Image.fromarray(values), format)
    assert decode(content, None, 1)[0, :, 0].tolist() == [0, 1, 128, 255]
    assert read(content, Frame(1)).notes == ("16-bit",)
    assert read_header(content).grey


@pytest.mark.parametrize(("top", "wanted"), [(1.0, 255), (255.0, 255)])
def test_floats_are_scaled_by_their_range(top: float, wanted: int) -> None:
    values = np.array([[0, top / 2, top]], np.float32)
    shown = decode(encoded(Image.fromarray(values), "TIFF"), None, 1)[0, :, 0]
    assert shown[0] == 0
    assert shown[2] == wanted


def test_two_levels_are_black_and_white() -> None:
    picture = Image.new("1", (2, 1))
    picture.putpixel((1, 0), 1)
    assert decode(encoded(picture), None, 1).ravel().tolist() == [0, 255]


def test_of_an_animation_the_first_frame_is_taken() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(content, None, 3)[0, 0].tolist() == [255, 0, 0]
    assert "animated" in read(content, Frame(3)).notes


@pytest.mark.parametrize(("height", "width"), [(40, 80), (80, 40), (33, 33), (10, 14)])
def test_resizing_cuts_the_middle_square(height: int, width: int) -> None:
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    middle = smooth(height, width).crop((left, top, left + short, top + short))
    wanted = np.asarray(middle.resize((16, 16), Image.Resampling.BICUBIC)).astype(int)
    shown = decode(encoded(smooth(height, width)), 16, 3)
    assert shown.shape == (16, 16, 3)
    assert np.abs(shown - wanted).max() <= 2


def test_a_large_jpeg_is_decoded_in_part() -> None:
    content = encoded(smooth(1200, 1600), "JPEG", quality=95)
    whole = Image.open(BytesIO(content)).crop((200, 0, 1400, 1200)).resize((64, 64))
    assert np.abs(decode(content, 64, 3).astype(int) - np.asarray(whole)).mean() < 2


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("share", [0.15, 0.6, 0.95])
def test_a_truncated_file_is_refused(format: str, share: float) -> None:
    content = encoded(image(64, 64), format)
    assert refusal(content[: int(len(content) * share)]) in {"truncated", "unreadable"}


def test_an_empty_file_is_refused(tmp_path) -> None:
    assert refusal(write(tmp_path, "x.png", b"")) == "empty"


def test_what_is_no_picture_is_refused(tmp_path) -> None:
    assert refusal(write(tmp_path, "x.png", b"This is a letter, not a picture.")) == "not-an-image"


def test_a_missing_file_is_refused(tmp_path) -> None:
    assert refusal(tmp_path / "none.png") == "missing"


@pytest.mark.parametrize("side", [20_000, 200_000])
def test_a_decompression_bomb_is_refused(side: int) -> None:
    assert side * side > LIMIT
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    content = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    content += struct.pack(">I", zlib.crc32(chunk)) + encoded(image(4, 4))[33:]
    assert refusal(content) == "bomb"


@settings(max_examples=150, deadline=None)
@given(
    format=st.sampled_from(FORMATS),
    damage=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_damage_gives_pixels_or_a_refusal(format: str, damage: list[tuple[float, int]]) -> None:
    content = bytearray(encoded(smooth(20, 20), format))
    for where, value in damage:
        content[int(where * (len(content) - 1))] = value
    with suppress(Unreadable):
        assert decode(bytes(content), 8, 3).shape == (8, 8, 3)


def test_the_pixels_may_be_written_to() -> None:
    decode(encoded(image(4, 4)), None, 3)[0, 0, 0] = 1
