"""A wrong call is an error like any other: both languages, a remedy, exit 2, JSON where JSON was asked for."""

from __future__ import annotations

import json
import typing

import pytest
import typer

from edocx.cli import main
from edocx.errors import UsageError


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


PATHS = [
    (("verify", ""), "FILE"),
    (("verify", "a.pdf", ""), "FILE"),
    (("verify", "a.pdf", "--html", ""), "--html"),
    (("verify", "a.pdf", "--evidence", ""), "--evidence"),
    (("verify", "a.pdf", "--trust", ""), "--trust"),
    (("sign", "", "--key", "file:a.p12"), "FILE"),
    (("sign", "a.pdf", "--key", "file:a.p12", "--out", ""), "--out"),
    (("copy", ""), "FILE"),
    (("extend", ""), "FILE"),
    (("envelope", "read", ""), "FILE"),
    (("office", "inbox", "--office", ""), "--office"),
    (("hub", "backup", ""), "FOLDER"),
    (("pki", "init", ""), "DIR"),
]


@pytest.mark.parametrize("call, named", PATHS)
def test_an_empty_name_is_refused_and_never_the_current_folder(capfd, tmp_path, monkeypatch, call, named):
    monkeypatch.chdir(tmp_path)
    code, out, err = said(capfd, *call, "--lang", "en")
    assert (code, out) == (2, "")
    assert err.startswith("Error EDX-USAGE-EMPTY")
    assert f"{named} is empty." in err
    assert list(tmp_path.iterdir()) == []


def test_every_path_of_every_command_is_guarded():
    from edocx.cli import root

    group = typer.main.get_command(root.app)
    guarded = set()

    def walk(command, name):
        for below, inner in getattr(command, "commands", {}).items():
            walk(inner, f"{name} {below}")
        hints = typing.get_type_hints(command.callback) if command.callback else {}
        for parameter in command.params:
            if "Path" in str(hints.get(parameter.name)):
                with pytest.raises(UsageError):
                    parameter.process_value(None, "")
                guarded.add((name, parameter.name))

    for name in group.list_commands(None):
        walk(group.get_command(None, name), name)
    assert len(guarded) > 100
