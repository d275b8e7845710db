from __future__ import annotations

import json

import pytest
from cryptography import x509

from edocx.cli import main
from edocx.testing import Credential


@pytest.fixture
def run(capfd):
    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["--lang", "vi", *map(str, arguments)])
        said = capfd.readouterr()
        return ended.value.code or 0, said.out, said.err

    return call


@pytest.fixture
def pki(run, tmp_path):
    folder = tmp_path / "pki"
    assert run("pki", "init", folder, "--key", "p256")[0] == 0
    return folder


def test_init_leaves_what_the_contract_names_and_says_that_it_is_a_test(run, tmp_path):
    code, out, _ = run("pki", "init", tmp_path / "pki", "--key", "p256")
    assert code == 0
    assert "THỬ NGHIỆM" in out
    names = {path.name for path in (tmp_path / "pki").iterdir()}
    assert {"trust", "person.p12", "organisation.p12", "registry.csv"} <= names


def test_init_as_json_is_one_object_and_nothing_else(run, tmp_path):
    _, out, _ = run("pki", "init", tmp_path / "pki", "--key", "p256", "--unit", "H58.12.01", "--json")
    value = json.loads(out)
    assert (value["schema"], value["test"]) == (1, True)
    assert [one["kind"] for one in value["certificates"]] == ["person", "organisation"]
    assert "Nguyễn Văn A" in out, "never escaped"
    assert "H58.12.01" in (tmp_path / "pki" / "registry.csv").read_text("utf-8")


def test_init_never_writes_over_a_folder(run, pki):
    before = (pki / "person.p12").read_bytes()
    code, _, err = run("pki", "init", pki)
    assert code == 1
    assert "EDX-PKI-EXISTS" in err
    assert (pki / "person.p12").read_bytes() == before


def test_init_refuses_a_unit_code_that_is_none(run, tmp_path):
    assert run("pki", "init", tmp_path / "pki", "--unit", "không phải mã")[0] in {1, 2}
    assert not (tmp_path / "pki").exists()


def test_keys_are_protected_when_a_password_is_given(run, tmp_path):
    secret = tmp_path / "password"
    secret.write_text("bí mật\n", "utf-8")
    folder = tmp_path / "pki"
    run("pki", "init", folder, "--key", "p256", "--password-file", secret)
    assert Credential.load(folder / "person.p12", "bí mật".encode())
    code, _, err = run("pki", "crl", folder)
    assert (code, "EDX-KEY-PASSWORD" in err) == (1, True)
    assert run("pki", "crl", folder, "--password-file", secret)[0] == 0


def test_an_empty_password_file_is_refused(run, tmp_path):
    (tmp_path / "empty").write_text("\n")
    code, _, err = run("pki", "init", tmp_path / "pki", "--password-file", tmp_path / "empty")
    assert (code, "EDX-PKI-PASSWORD" in err) == (2, True)


def test_an_issued_person_is_entered_in_the_registry(run, pki, tmp_path):
    out = tmp_path / "b.p12"
    options = ["--organisation", "UBND TỈNH", "--ou", "UBND HUYỆN", "--ou", "UBND XÃ", "--locality", "Tiền Giang"]
    options += ["--unit", "H58.10", "--position", "Phó Chủ tịch", "--capacity", "KT."]
    assert run("pki", "issue", pki, "person", "Trần Thị B", "--out", out, *options)[0] == 0
    credential = Credential.load(out)
    subject = credential.certificate.subject.rfc4514_string()
    assert subject == "CN=Trần Thị B,OU=UBND XÃ,OU=UBND HUYỆN,O=UBND TỈNH,L=Tiền Giang,C=VN"
    (row,) = [line for line in (pki / "registry.csv").read_text("utf-8").splitlines() if credential.sha256 in line]
    assert "person,H58.10,Trần Thị B,Phó Chủ tịch,KT." in row


@pytest.mark.parametrize("kind", ["organisation", "device"])
def test_other_subscribers_are_issued_with_their_dates(run, pki, tmp_path, kind):
    out = tmp_path / "x.p12"
    dates = ["--not-before", "2023-03-01", "--not-after", "2023-04-01T00:00:00+07:00"]
    code, said, _ = run("pki", "issue", pki, kind, "CỤC THỬ NGHIỆM", "--out", out, *dates, "--json")
    assert code == 0
    assert json.loads(said)["certificates"][0]["not_after"] == "2023-03-31T17:00:00+00:00"


def test_issue_never_writes_over_a_key(run, pki):
    code, _, err = run("pki", "issue", pki, "person", "X", "--out", pki / "person.p12")
    assert (code, "EDX-PKI-EXISTS" in err) == (1, True)


def test_a_revoked_certificate_stands_in_the_list_that_is_published(run, pki):
    code, out, _ = run(
        "pki", "crl", pki, "--revoke", pki / "person.p12", "--at", "2023-07-01", "--reason", "key_compromise", "--json"
    )
    assert code == 0
    assert json.loads(out)["revoked"][0]["reason"] == "key_compromise"
    crl = x509.load_pem_x509_crl((pki / "trust" / "state.crl").read_bytes())
    serial = Credential.load(pki / "person.p12").certificate.serial_number
    assert [one.serial_number for one in crl] == [serial]
    code, _, err = run("pki", "crl", pki, "--revoke", pki / "person.p12")
    assert (code, "EDX-PKI-REVOKE" in err) == (2, True)


def test_a_certificate_file_can_be_revoked_too(run, pki):
    assert run("pki", "crl", pki, "--revoke", pki / "trust" / "state.crt", "--at", "2023-07-01")[0] == 0
    assert len(list(x509.load_pem_x509_crl((pki / "trust" / "root.crl").read_bytes()))) == 1


@pytest.mark.parametrize(
    "arguments, outcome",
    [
        (("crl", "{none}"), (4, "EDX-PKI-FOLDER")),
        (("crl", "{pki}", "--revoke", "{pki}/registry.csv"), (4, "EDX-CERTIFICATE-UNREADABLE")),
        (("crl", "{pki}", "--revoke", "{none}/x.crt"), (4, "EDX-FILE-UNREADABLE")),
        (("issue", "{pki}", "person", "X", "--out", "{pki}/x.p12", "--not-after", "hôm qua"), (2, "EDX-USAGE-TIME")),
        (("issue", "{pki}", "person", "X" * 65, "--out", "{pki}/x.p12"), (2, "EDX-PKI-NAME-LENGTH")),
        (("serve", "{pki}", "--listen", "nowhere"), (2, "EDX-USAGE-LISTEN")),
    ],
)
def test_bad_input_ends_with_its_code_and_no_traceback(run, pki, tmp_path, arguments, outcome):
    filled = [argument.format(pki=pki, none=tmp_path / "none") for argument in arguments]
    ended, _, err = run("pki", *filled)
    assert ended == outcome[0]
    assert outcome[1] in err
    assert "Traceback" not in err
