from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edocx.letter.lines import break_balanced, break_paragraph, paginate

WORDS = st.lists(st.text("abcđé", min_size=1, max_size=9), min_size=1, max_size=60)


def width(text):
    return float(len(text))


@given(WORDS, st.integers(12, 40), st.integers(0, 3))
def test_breaking_loses_no_word_and_keeps_the_measure(words, room, indent):
    lines = break_paragraph(" ".join(words), room, width, indent=indent)
    assert [word for line in lines for word in line.words] == words
    assert all(width(line.text) <= room - line.indent for line in lines)
    assert [line.closes for line in lines] == [False] * (len(lines) - 1) + [True]
    assert [line.indent for line in lines[1:]] == [0.0] * (len(lines) - 1)


@given(st.text("x", min_size=20, max_size=90))
def test_a_word_wider_than_the_page_is_cut_and_nothing_of_it_lost(word):
    lines = break_paragraph(word, 15, width)
    assert "".join(piece for line in lines for piece in line.words) == word
    assert all(width(line.text) <= 15 for line in lines)


@given(WORDS, st.integers(12, 40))
def test_balance_needs_no_more_lines_and_cuts_no_word(words, room):
    text = " ".join(words)
    even = break_balanced(text, room, width)
    assert " ".join(even) == text
    assert len(even) == len(break_paragraph(text, room, width))


def test_a_heading_is_spread_evenly():
    assert break_balanced("aaa bbb ccc ddd", 12, width) == ["aaa bbb", "ccc ddd"]
    assert break_balanced("aaa\nbbb ccc", 12, width) == ["aaa", "bbb ccc"]


@given(st.lists(st.floats(10, 30), min_size=1, max_size=200), st.floats(40, 300), st.floats(0, 400))
def test_pages_take_every_line_and_the_last_one_keeps_company(heights, first, tail):
    def room(page):
        return 300.0 if page else first

    counts = paginate(heights, room, tail)
    assert sum(counts) == len(heights)
    start = 0
    for page, count in enumerate(counts[:-1]):
        assert sum(heights[start : start + count]) <= room(page)
        start += count
    if len(counts) > 1:
        assert counts[-1] >= min(2, len(heights))


def test_the_block_goes_with_the_text_when_it_fits():
    assert paginate([10.0] * 5, lambda _: 100.0, 50.0) == [5]
    assert paginate([10.0] * 6, lambda _: 100.0, 50.0) == [4, 2]
