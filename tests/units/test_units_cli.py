"""``edocx units``: what users type, what they and their programs get, and the exit codes."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime

import pytest

from edocx.cli import main
from edocx.cli.bench_units import bench_units
from edocx.testing.territory import IDENTIFIERS, dong_thap_2026, tien_giang_2023
from edocx.units import Snapshot, UnitId
from edocx.units.units_csv import write_successions, write_units
from edocx.units.units_json import write_document

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

    def run(*arguments, language="vi"):
        with pytest.raises(SystemExit) as ended:
            main(["units", *map(str, arguments), "--lang", language])
        out, err = capfdbinary.readouterr()
        return ended.value.code or 0, out.decode(), err.decode()

    return run


@pytest.fixture
def ask(run):
    def ask(*arguments):
        code, out, _ = run(*arguments, "--json")
        value = json.loads(out)
        assert value["schema"] == 1
        return code, value

    return ask


@pytest.fixture
def office(tmp_path):
    (tmp_path / "office.toml").write_text(OFFICE, encoding="utf-8")
    (tmp_path / "trust").mkdir()
    return tmp_path


def test_a_code_is_read_with_its_rule(ask, run):
    code, told = ask("parse", "000.01.12.H58")
    assert (code, told["scheme"], told["qd20"], told["depth"]) == (0, "qcvn102", "H58.12.01", 3)
    code, out, _ = run("parse", "H49")
    assert (code, "gốc trước" in out, "qcvn102" in out or "000.00.00.H49" in out) == (0, True, True)
    code, told = ask("parse", "Н58")
    assert (code, told["error"]["code"]) == (1, "EDX-UNIT-CHARACTER")
    code, _, err = run("parse", "Н58")
    assert (code, "CYRILLIC" in err) == (1, True)


def test_all_1174_codes_of_tien_giang_convert_and_back(ask, run, tmp_path):
    codes = [UnitId.parse("H58"), *(history.last.code for history in tien_giang_2023().units)]
    old = tmp_path / "old.csv"
    old.write_text("name,code\n" + "".join(f"x,{code.to_qcvn102()}\n" for code in codes), encoding="utf-8")
    status, told = ask("convert", "--to", "qd20", old)
    assert (status, len(told["rows"])) == (0, IDENTIFIERS)
    assert [row["output"] for row in told["rows"]] == [code.code for code in codes]
    assert told["rows"][0] == {"line": 2, "input": "000.00.00.H58", "output": "H58", "error": None}
    new = tmp_path / "new.csv"
    new.write_text("".join(f"{row['output']}\n" for row in told["rows"]), encoding="utf-8")
    status, back = ask("convert", "--to", "qcvn102", new)
    assert (status, [row["output"] for row in back["rows"]]) == (0, [row["input"] for row in told["rows"]])
    status, out, err = run("convert", "--to", "qd20", old)
    assert (status, len(list(csv.reader(io.StringIO(out)))), "1174/1174" in err) == (0, IDENTIFIERS + 1, True)


def test_a_row_that_cannot_be_converted_says_why_and_spoils_no_other(ask, run, tmp_path):
    file = tmp_path / "codes.csv"
    file.write_bytes("code;name\r\nH01.151;a\r\nH58.12;b\r\n\r\nН58;c\r\n".encode("utf-8-sig"))
    status, told = ask("convert", "--to", "qcvn102", file)
    assert status == 1
    assert [(row["line"], row["output"], row["error"] and row["error"]["code"]) for row in told["rows"]] == [
        (2, None, "EDX-UNIT-NO-QCVN102"),
        (3, "000.00.12.H58", None),
        (5, None, "EDX-UNIT-CHARACTER"),
    ]
    assert run("convert", "--to", "qcvn102", file)[0] == 1


def test_a_table_without_a_column_code_is_refused(ask, run, tmp_path):
    file = tmp_path / "codes.csv"
    file.write_text("ma,ten\nH58,a\n", encoding="utf-8")
    status, told = ask("convert", "--to", "qd20", file)
    assert (status, told["error"]["faults"][0]["column"]) == (4, "code")
    assert run("convert", "--to", "utf8", file)[0] == 2
    assert run("convert", "--to", "qd20", tmp_path / "none.csv")[0] == 4


def test_who_h58_is_depends_on_the_date(ask, run):
    status, told = ask("show", "H58", "--at", "2023-06-30")
    assert (status, told["status"], told["unit"]["name"]) == (0, "open", "Ủy ban nhân dân Tiền Giang")
    assert told["snapshot"]["age_days"] >= 0
    status, told = ask("show", "H58", "--at", "2026-11-22")
    assert (status, told["status"], told["successors"]) == (1, "closed", ["H20"])
    assert told["error"]["code"] == "EDX-UNIT-CLOSED"
    status, out, err = run("show", "H58", "--at", "2026-11-22")
    assert (status, "Tiền Giang" in out, "H20 (Ủy ban nhân dân Đồng Tháp)" in err) == (1, True, True)
    status, out, _ = run("show", "H58", "--at", "2023-06-30")
    assert "Chưa kiểm chứng" in out
    assert run("show", "H58", "--at", "30/06/2023")[0] == 2


def test_unlisted_units_are_refused_naming_the_nearest_known_ancestor(ask):
    status, told = ask("show", "H20.99.01", "--at", "2026-11-22")
    assert (status, told["error"]["code"], told["error"]["nearest"]) == (1, "EDX-UNIT-UNKNOWN", "H20")


def test_successors_are_named_with_decree_and_doubt(ask, run):
    status, told = ask("successors", "H58", "--at", "2026-11-22")
    assert (status, [one["code"] for one in told["successors"]]) == (0, ["H20"])
    assert told["successors"][0]["path"][0]["decree"] == "NQ 202/2025/QH15"
    status, told = ask("successors", "H58", "--at", "2023-06-30")
    assert (status, told["successors"], [one["successor"] for one in told["pending"]]) == (
        0,
        [],
        ["ubnd-dong-thap-2025"],
    )
    assert "[unverified]" in run("successors", "G04", "--at", "2026-11-22", language="en")[1]
    assert ask("successors", "H20.77")[0] == 1


def test_search_takes_names_without_diacritics(ask, run):
    status, told = ask("search", "tien giang")
    assert (status, told["units"][0]["code"]) == (0, "H58")
    assert "Không tìm thấy" in run("search", "khong co gi ca")[1]


def test_import_then_route_on_both_dates(ask, run, office):
    before, after = tien_giang_2023(), dong_thap_2026()
    files = {
        "truoc.csv": "".join(write_units(before.units)),
        "sau.json": "".join(write_document(after.units, (), Snapshot(1, datetime.now(UTC), "thử"))),
        "ke-thua.csv": "".join(write_successions(after.successions)),
    }
    for name, text in files.items():
        (office / name).write_text(text, encoding="utf-8")
        status, told = ask("import", office / name)
        assert (status, told["saved"]) == (0, True), name
    status, told = ask("route", "H58.12.01", "G22", "--at", "2023-06-30")
    assert [hop["code"] for hop in told["hops"]] == ["H58.12.01", "H58.12", "H58", None, "G22"]
    assert [hop["level"] for hop in told["hops"]] == ["commune", "district", "province", None, "central"]
    assert told["hops"][1]["local"]
    status, told = ask("route", "H20.101", "G22", "--at", "2026-11-22")
    assert [hop["code"] for hop in told["hops"]] == ["H20.101", "H20", None, "G22"]
    status, told = ask("route", "G22", "H58.12.01", "--at", "2025-07-01")
    assert (status, told["error"]["successors"]) == (1, ["H20.101"])
    status, out, _ = run("route", "H58.12.01", "G22", "--at", "2023-06-30")
    stations = [line for line in out.splitlines() if line[:1].isdigit()]
    assert (status, len(stations), "trục liên thông" in out) == (0, 5, True)
    assert max(map(len, out.splitlines())) <= 80
    status, told = ask("show", "H58.12", "--at", "2023-06-30")
    assert (told["unit"]["local"], told["children"]) == (True, 26)


def test_an_import_with_a_fault_takes_nothing_and_lists_every_fault(ask, run, office):
    file = office / "sai.csv"
    file.write_text("id,code,name\nso-mot,G12.01,Đúng\nso-hai,Н58,Sai\nso-ba,G12.1!,Sai\n", encoding="utf-8")
    status, told = ask("import", file)
    assert status == 4
    assert [(one["line"], one["column"]) for one in told["error"]["faults"]] == [(3, "code"), (4, "code")]
    assert ask("show", "G12.01")[0] == 1
    status, _, err = run("import", file)
    assert (status, "dòng 3, cột code" in err) == (4, True)


def test_a_dry_run_writes_nothing(ask, office):
    file = office / "moi.csv"
    file.write_text("id,code,name\nso-mot,G12.01,Cục\n", encoding="utf-8")
    assert ask("import", file, "--dry-run")[1]["saved"] is False
    assert ask("show", "G12.01")[0] == 1
    assert ask("import", file)[1] == {
        "schema": 1, "rows": 1, "version": 2, "saved": True, "added": 1, "changed": 0, "successions": 0,
            "notes": [],
    }  # fmt: skip
    assert ask("import", file)[1]["saved"] is False


def test_the_axis_list_is_recognised(ask, office):
    file = office / "truc.json"
    rows = [{"id": 1, "code": "H20", "name": "x", "mail": "a@example.vn", "code102": "000.00.00.H20"}]
    file.write_text(json.dumps({"status": "OK", "ErrorCode": "0", "ErrorDesc": "", "data": rows}), encoding="utf-8")
    assert ask("import", file)[1]["changed"] == 1
    assert ask("show", "000.00.00.H20")[1]["unit"]["contact"] == {"email": "a@example.vn"}


def test_what_is_exported_is_imported_without_a_difference(ask, run, office):
    (office / "moi.csv").write_text("id,code,name,parent\nso-mot,G12.01,Cục; “một”,bo-tai-chinh\n", encoding="utf-8")
    ask("import", office / "moi.csv")
    assert run("export", "--local", "--out", "ra.csv")[0] == 0
    assert ask("import", "ra.csv")[1]["saved"] is False
    assert run("export", "--format", "json", "--out", "ra.json")[0] == 0
    status, told = ask("diff", "ra.json", "ra.json")
    assert (status, told["added"], told["changed"]) == (0, [], [])
    status, told = ask("export")
    assert len(told["units"]) > 3500
    assert run("export", "--format", "xml")[0] == 2


def test_without_an_office_there_is_nothing_to_import_into(ask, tmp_path):
    (tmp_path / "a.csv").write_text("id,name\nso-mot,A\n", encoding="utf-8")
    status, told = ask("import", tmp_path / "a.csv")
    assert (status, told["error"]["code"]) == (2, "EDX-UNITS-NO-OFFICE")


def test_a_clerk_confirms_and_renews_certificates(ask, run, office):
    fingerprint = "ab" * 32
    status, told = ask("confirm", fingerprint, "--unit", "H20.101", "--by", "văn thư")
    assert (status, told["entry"]["local"], told["entry"]["unit"]) == (0, True, "H20.101")
    assert run("confirm", "xyz", "--unit", "H20.101", "--by", "văn thư")[0] == 2
    assert run("confirm", fingerprint, "--unit", "H20.101", "--by", "x", "--kind", "person")[0] == 2
    assert ask("confirm", fingerprint, "--unit", "G22", "--by", "văn thư")[0] == 4
    status, told = ask("registry", "renew", fingerprint, "cd" * 32, "--from", "2026-01-01", "--to", "2029-01-01")
    assert (status, told["entry"]["valid_to"]) == (0, "2029-01-01T00:00:00+07:00")
    assert run("registry", "renew", fingerprint, "cd" * 32, "--from", "x")[0] == 2
    (office / "so.csv").write_text("sha256,kind,unit\n" + f"{'ef' * 32},device,H20\n", encoding="utf-8")
    assert ask("registry", "import", office / "so.csv")[1]["added"] == 1
    (office / "that.csv").write_text("sha256,kind,unit\n" + f"{'ef' * 32},device,G22\n", encoding="utf-8")
    assert ask("registry", "import", office / "that.csv")[0] == 4
    assert ask("registry", "close", "ef" * 32, "--by", "văn thư")[1]["closed"] == 1
    assert ask("registry", "import", office / "that.csv")[1]["added"] == 1
    assert run("registry", "close", "ef" * 32, "--by", "văn thư", "--at", "x")[0] == 2


def test_importing_the_package_loads_neither_pydantic_nor_sqlalchemy():
    code = "import sys, edocx.units; print([m for m in ('pydantic', 'sqlalchemy', 'json') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_benchmark_names_every_goal_of_the_issue():
    measured = bench_units(quick=True, runs=1)
    assert [one.goal for one in measured] == [">= 300000", ">= 300000", "<= 1.5", "<= 120", ">= 200000", "<= 20"]
    assert all(one.value > 0 or one.unit == "MiB" for one in measured)


def test_an_authorisation_that_lacks_what_article_13_asks_is_taken_and_named(ask, office):
    text = "sha256,kind,unit,full_name,position,capacity,valid_from,valid_to,source\n"
    text += f"{'c' * 64},person,H20,Nguyễn Văn A,Trưởng phòng,TUQ.,2026-01-01,,\n"
    (office / "registry.csv").write_text(text, encoding="utf-8")
    code, said = ask("registry", "import", office / "registry.csv", "--office", office / "office.toml")
    assert (code, said["added"]) == (0, 1)
    assert len(said["doubts"]) == 3
    assert "thừa ủy quyền phải có thời hạn" in {doubt["vi"] for doubt in said["doubts"]}


def test_a_row_for_a_unit_that_is_unknown_or_closed_is_taken_and_named(ask, office):
    text = "sha256,kind,unit,full_name,position,capacity,valid_from,valid_to,source\n"
    text += f"{'c' * 64},organisation,H58,,,,2024-01-01,,\n"
    text += f"{'d' * 64},organisation,H99.99.99,,,,2024-01-01,,\n"
    text += f"{'e' * 64},organisation,G22,,,,2024-01-01,,\n"
    text += f"{'f' * 64},organisation,H58,,,,2024-01-01,2025-07-01,\n"
    (office / "registry.csv").write_text(text, encoding="utf-8")
    code, said = ask("registry", "import", office / "registry.csv", "--office", office / "office.toml")
    assert (code, said["added"]) == (0, 4)
    doubted = {doubt["sha256"][0]: doubt["en"] for doubt in said["doubts"]}
    assert doubted.keys() == {"c", "d"}
    assert "closed on 2025-07-01" in doubted["c"]
    assert "no unit H99.99.99" in doubted["d"]


def test_the_day_that_stands_for_an_open_end_is_no_day_to_ask_about(run):
    status, _, told = run("show", "H20", "--at", "9999-12-31", language="en")
    assert status == 2
    assert "closed" not in told


def test_a_unit_is_shown_with_how_to_reach_it(run, office):
    text = "id,code,name,parent,from,address,telephone\nso-99,H20.99,Sở thử,ubnd-dong-thap-2025,2025-07-01,Số 1 đường A,0100\n"
    (office / "so.csv").write_text(text, encoding="utf-8")
    status, _, told = run("import", office / "so.csv", "--office", office / "office.toml")
    assert status == 0, told
    shown = run("show", "H20.99", "--office", office / "office.toml")[1]
    assert "Số 1 đường A" in shown
    assert "0100" in shown
    assert "chỉ của cơ quan này" in shown


@pytest.mark.parametrize("words", [("show", "H20"), ("successors", "H58"), ("import", "units.csv")])
def test_a_database_that_is_none_is_said_to_be_so(ask, office, words):
    (office / "office.db").write_bytes(b"no database at all, " * 500)
    (office / "units.csv").write_text("id,name\nso-a,Một\n", encoding="utf-8")
    code, answer = ask(*words, "--office", office / "office.toml")
    assert code != 0
    assert answer["error"]["code"] == "EDX-UNITS-STORE"


def test_a_damaged_moment_in_the_database_is_said_to_be_so(ask, run, office):
    (office / "units.csv").write_text("id,name\nso-a,Một\n", encoding="utf-8")
    assert run("import", office / "units.csv", "--office", office / "office.toml")[0] == 0
    with closing(sqlite3.connect(office / "office.db")) as database:
        database.execute("UPDATE units_snapshot SET taken = 'hôm qua'")
        database.commit()
    assert ask("show", "H20", "--office", office / "office.toml")[1]["error"]["code"] == "EDX-UNITS-STORE"
