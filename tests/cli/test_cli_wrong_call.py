"""A wrong call is an error like any other: both languages, a remedy, exit 2, JSON where JSON was asked for."""

from __future__ import annotations

import json

import pytest

from edocx.cli import main


def said(capfd, *arguments):
    with pytest.raises(SystemExit) as left:
        main([*arguments])
    told = capfd.readouterr()
    return left.value.code, told.out, told.err


CALLS = [
    (("verify",), "Thiếu FILE.", "FILE is missing."),
    (("verify", "--bogus"), "Không có tùy chọn --bogus.", "There is no option --bogus."),
    (("foo",), "Không có lệnh “foo”.", "There is no command “foo”."),
    (("units", "routes"), "có phải route?", "did you mean route?"),
    (("units", "show", "--at"), "Tùy chọn --at cần một giá trị", "The option --at needs a value."),
    (("sign", "--level", "X", "a.pdf"), "“X” không thuộc B-B,", "“X” is none of B-B,"),
    (("demo", "x", "y"), "Thừa tham số: x y.", "These arguments are too many: x y."),
    (("verify", "a.pdf", "--jobs", "0"), "ít nhất là 1", "at least 1 is needed"),
    (("verify", "a.pdf", "--jobs", "many"), "cần một số nguyên", "a whole number is needed"),
]


@pytest.mark.parametrize("call, vi, en", CALLS)
def test_a_wrong_call_is_told_in_both_languages_with_a_remedy(capfd, call, vi, en):
    for lang, sentence, mark in (("vi", vi, "Lỗi"), ("en", en, "Error")):
        code, out, err = said(capfd, *call, "--lang", lang)
        assert (code, out) == (2, "")
        assert sentence in err
        assert err.startswith(f"{mark} EDX-USAGE")
        assert "--help”" in err


def test_a_wrong_call_is_json_where_json_was_asked_for(capfd):
    code, out, _ = said(capfd, "verify", "--json")
    assert code == 2
    assert json.loads(out)["error"]["code"] == "EDX-USAGE-CALL"


def test_a_group_without_a_command_shows_its_commands(capfd):
    _, out, err = said(capfd, "office")
    assert "receive" in out + err
