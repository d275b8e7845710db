"""What the commands say of local records, of dates, faults and cells, and that it fits a terminal."""

from __future__ import annotations

import json

import pytest

from edocx.cli import main
from edocx.units import units_json
from edocx.units.table import FaultyTable

OFFICE = """
unit = "H20"
name = "Ủy ban nhân dân Đồng Tháp"
store = "office.db"
axis = "local:axis.db"
trust = ["trust"]
"""


@pytest.fixture
def run(capfdbinary, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "office.toml").write_text(OFFICE, encoding="utf-8")
    (tmp_path / "trust").mkdir()

    def run(*arguments, language="vi"):
        with pytest.raises(SystemExit) as ended:
            main(["units", *map(str, arguments), "--lang", language])
        out, err = capfdbinary.readouterr()
        return ended.value.code or 0, out.decode(), err.decode()

    return run


def table(tmp_path, text, name="t.csv"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return name


def test_routes_and_searches_name_local_records(run, tmp_path):
    rows = (
        "id,code,name,parent,from\n"
        "so-thu,H20.91,Sở Thử Nghiệm Rất Dài Của Tỉnh Đồng Tháp Và Các Vùng Lân Cận,H20,2025-07-01\n"
    )
    assert run("import", table(tmp_path, rows))[0] == 0
    _, routed, _ = run("route", "H20.91", "G22")
    assert "[bản ghi riêng]" in " ".join(routed.split())
    assert "[local]" in " ".join(run("route", "H20.91", "G22", language="en")[1].split())
    _, found, _ = run("search", "so thu nghiem")
    assert "[bản ghi riêng]" in " ".join(found.split())
    _, whole, _ = run("search", "uy ban nhan dan", "--limit", 200)
    assert max(map(len, [*found.splitlines(), *whole.splitlines(), *routed.splitlines()])) <= 80
    assert "[bản ghi riêng]" not in whole


def test_a_closed_code_of_the_axis_list_is_left_out_with_a_note(run, tmp_path):
    row = {"code": "H58", "name": "UBND tỉnh Tiền Giang", "oldCode": "000.00.00.H58"}
    name = table(tmp_path, json.dumps([row]), "ax.json")
    code, out, _ = run("import", name)
    told = " ".join(out.split())
    assert (code, "H58" in told, "01/07/2025" in told, "H20" in told) == (0, True, True, True)
    assert run("show", "H58")[0] != 0


def test_faults_fit_a_terminal_and_name_a_line(run, tmp_path):
    rows = "id,code,code102,name\nu-a1,G12.71,000.00.00.G22,Cục Của Tôi\nU A,H20.9,,Sở\n"
    code, _, err = run("import", table(tmp_path, rows))
    assert code == 4
    assert "dòng 2, cột code102" in err
    assert "so-noi-vu" in err
    assert max(map(len, err.splitlines())) <= 80


def test_names_that_mislead_are_taken_with_a_note(run, tmp_path):
    rows = "id,code,name\nso-a,H20.91,\u0421ở Nội vụ\nso-b,H20.92,VĂN PHÒNG CHÍNH PHỦ.\n"
    code, out, _ = run("import", table(tmp_path, rows))
    assert (code, "U+0421" in out, "cơ quan cấp 1" in " ".join(out.split())) == (0, True, True)


def test_the_calendars_last_day_is_said_to_be_an_open_end(run):
    code, _, err = run("show", "G22", "--at", "9999-12-31", language="en")
    assert (code, "open end" in err, "is not a date" in err) == (2, True, False)


def test_a_control_character_is_named_once(run):
    _, _, err = run("parse", "H58\n.12", language="en")
    assert "U+000A" in err
    assert "U+000A U+000A" not in err


def test_a_cell_that_is_no_code_is_not_handed_on(run, tmp_path):
    name = table(tmp_path, "code\nH58\n=cmd|x1\nH58.1234567890123456789012345678901234567\n")
    code, out, err = run("convert", name, "--to", "qcvn102")
    assert (code, "cmd" in out) == (1, False)
    assert out.splitlines()[1:3] == ["H58,000.00.00.H58", ","]
    assert "dòng 3" in err


def test_a_certificate_of_a_unit_that_others_answer_for_is_said_to_be_this_offices_word(run, tmp_path):
    rows = "sha256,kind,unit\n" + f"{'a' * 64},organisation,G22\n" + f"{'b' * 64},organisation,H20.91\n"
    code, out, _ = run("registry", "import", table(tmp_path, rows), language="en")
    assert (code, "1 certificates are given to units that others answer for (G22)" in " ".join(out.split())) == (
        0,
        True,
    )
    _, out, _ = run("registry", "import", table(tmp_path, rows.replace("a" * 64, "c" * 64)), "--json")
    assert [one["sha256"] for one in json.loads(out)["local"]] == ["c" * 64]


HEAD = '{"schema": 1, "version": 9, "taken": "2026-11-22T23:09:01+07:00", "source": "a", "units": ['
UNIT = '{"id": "so-a", "name": "Sở A"}'


@pytest.mark.parametrize(
    "text",
    [
        f'{HEAD}\n{UNIT}\n], "successions":[]}}\n',
        f'{HEAD}\n  {UNIT}\n], "successions": [\n]}}\n',
        f'{HEAD}\n{UNIT}, {{"id": "so-b", "name": "Sở B"}}\n], "successions": [\n]}}\n',
        f'{HEAD}\n{{"id": "so-a",\n"name": "Sở A"}}]}}',
    ],
)
def test_json_is_read_whatever_its_lines(text):
    document = units_json.read_document(text.encode())
    assert document.units[0][1].identity == "so-a"
    assert document.snapshot.version == 9


@pytest.mark.parametrize("end", ["", "\n]", '\n], "successions": [', '\n], "successions": [\n]}\nmore'])
def test_a_document_that_is_cut_or_goes_on_is_refused_at_its_line(end):
    with pytest.raises(FaultyTable) as refused:
        units_json.read_document(f"{HEAD}\n{UNIT}{end}".encode())
    assert refused.value.faults[0].line >= 2
