"""No command writes its result over what it is made from, by whatever name."""

from __future__ import annotations

import json

import pytest

from edocx.cli import main


@pytest.mark.parametrize(
    "arguments",
    [
        ("sign", "content", "--as", "person", "--format", "p7s", "--key", "file:key", "--out", "content"),
        ("sign", "content", "--as", "person", "--format", "asice", "--key", "file:key", "--out", "link"),
        ("sign", "content", "--as", "person", "--key", "file:key", "--out", "key"),
        ("sign", "content", "--as", "person", "--key", "file:key", "--image", "image", "--out", "image"),
        ("sign", "content", "--as", "person", "--key", "file:key", "--chain", "chain", "--out", "chain"),
        ("copy", "content", "--form", "sao-y", "--agency", "X", "--key", "file:key", "--out", "content"),
        ("copy", "content", "--form", "sao-y", "--agency", "X", "--key", "key", "--out", "key"),
        ("sign", "content", "--as", "person", "--preview", "link"),
        ("sign", "content", "--as", "person", "--image", "image", "--preview", "image"),
        ("sign", "content", "--as", "person", "--key", "file:key", "--preview", "key"),
        ("copy", "content", "--form", "sao-y", "--agency", "X", "--preview", "content"),
        ("prepare", "content", "--certificate", "chain", "--as", "person", "--out", "w.json", "--digest", "content"),
        ("verify", "content", "--html", "content"),
        ("verify", "content", "--trust", ".", "--html", "chain"),
        ("verify", "content", "--trust", "chain", "--etsi", "chain"),
    ],
)
def test_no_result_is_written_over_an_input(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("content", "key", "image", "chain"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    (tmp_path / "link").symlink_to("content")
    with pytest.raises(SystemExit) as left:
        main([*arguments, "--json"])
    assert left.value.code == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "EDX-USAGE-OVERWRITE"
    for name in ("content", "key", "image", "chain"):
        assert (tmp_path / name).read_text(encoding="utf-8") == name


@pytest.mark.parametrize(
    "arguments, code",
    [
        (("sign", "content", "--as", "person", "--key", "k", "--image", "image", "--near", " ", "--out", "o"), "LOOK"),
        (("copy", "content", "--form", "sao-y", "--agency", " ", "--key", "k", "--out", "o"), "SIGN"),
    ],
)
def test_an_empty_text_is_never_taken_for_none(arguments, code, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main([*arguments, "--json"])
    assert left.value.code == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == f"EDX-USAGE-{code}"
