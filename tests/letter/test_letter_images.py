from __future__ import annotations

import io

import pytest
from PIL import Image

from edocx.letter import draw_seal, draw_signature


def picture(data):
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("draw", [draw_signature, draw_seal])
def test_pictures_are_transparent_and_the_same_each_time(draw):
    image = picture(draw())
    assert image.mode == "RGBA"
    assert image.getpixel((0, 0))[3] == 0
    assert image.getextrema()[3] == (0, 255)
    assert draw() == draw.__wrapped__()


def test_the_signature_is_blue_and_the_seal_red():
    red, _, blue = picture(draw_signature()).getpixel((0, 0))[:3]
    assert blue > 2 * red
    red, _, blue = picture(draw_seal()).getpixel((0, 0))[:3]
    assert red > 2 * blue


def test_the_seal_is_printed_in_true_size():
    image = picture(draw_seal())
    across = image.width / image.info["dpi"][0] * 25.4
    assert across == pytest.approx(36, abs=0.2)
    assert image.width == image.height


def test_a_seal_always_says_that_it_is_a_sample():
    # The words stand below the middle: there is ink there whatever name goes around them.
    for name in ("A", "ỦY BAN NHÂN DÂN XÃ BÌNH ĐỨC", "X" * 80):
        image = picture(draw_seal(name, ""))
        side = image.width
        band = image.getchannel("A").crop((side // 3, round(side * 0.53), 2 * side // 3, round(side * 0.61)))
        assert band.getextrema()[1] == 255


def test_the_name_around_a_seal_is_the_one_given():
    assert draw_seal("CỤC THỬ NGHIỆM") != draw_seal("SỞ THỬ NGHIỆM")
