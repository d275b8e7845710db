from __future__ import annotations

import hashlib
import stat
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, load_pem_private_key, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID

from edocx.errors import InputError, KeyFileError, UsageError, WrongPassword
from edocx.testing import Credential, Pki
from edocx.testing.registry import COLUMNS, read_registrations

JUNE = datetime(2023, 6, 15, tzinfo=UTC)


def person(pki, **options):
    return pki.issue_person(
        "Nguyễn Văn A",
        "ỦY BAN NHÂN DÂN TỈNH TIỀN GIANG",
        units=("ỦY BAN NHÂN DÂN HUYỆN CHÂU THÀNH", "ỦY BAN NHÂN DÂN XÃ BÌNH ĐỨC"),
        locality="Tiền Giang",
        email="nguyenvana@tiengiang.example",
        **options,
    )


def extension(certificate, kind):
    return certificate.extensions.get_extension_for_class(kind)


@pytest.mark.parametrize("key", ["rsa2048", "p256"])
def test_openssl_builds_the_path_and_checks_every_list(key, tmp_path, tool):
    pki = Pki.create(key=key)
    pki.save_trust(tmp_path)
    leaf = tmp_path / "leaf.pem"
    leaf.write_bytes(person(pki).certificate.public_bytes(Encoding.PEM))
    command = [tool("openssl"), "verify", "-crl_check_all", "-x509_strict", "-attime", str(int(JUNE.timestamp()))]
    command += ["-CAfile", str(tmp_path / "root.crt"), "-untrusted", str(tmp_path / "state.crt")]
    command += ["-CRLfile", str(tmp_path / "root.crl"), "-CRLfile", str(tmp_path / "state.crl"), str(leaf)]
    assert subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip().endswith("OK")


def test_openssl_refuses_a_revoked_certificate(tmp_path, tool):
    pki = Pki.create(key="p256")
    credential = person(pki)
    pki.revoke(credential, JUNE - timedelta(days=1), x509.ReasonFlags.key_compromise)
    pki.save_trust(tmp_path)
    leaf = tmp_path / "leaf.pem"
    leaf.write_bytes(credential.certificate.public_bytes(Encoding.PEM))
    command = [tool("openssl"), "verify", "-crl_check", "-attime", str(int(JUNE.timestamp()))]
    command += ["-CAfile", str(tmp_path / "root.crt"), "-untrusted", str(tmp_path / "state.crt")]
    command += ["-CRLfile", str(tmp_path / "state.crl"), str(leaf)]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode != 0
    assert "revoked" in result.stderr


def test_a_person_is_named_country_locality_bodies_name_and_address_in_this_order(shared_pki):
    names = [part.rfc4514_attribute_name for part in person(shared_pki).certificate.subject]
    assert names == ["C", "L", "O", "OU", "OU", "CN", "1.2.840.113549.1.9.1"]


def test_an_organisation_is_named_under_the_body_above_it(shared_pki):
    agency = shared_pki.issue_organisation("CỤC THUẾ", "BỘ TÀI CHÍNH", locality="Hà Nội")
    assert agency.certificate.subject.rfc4514_string() == "CN=CỤC THUẾ,O=BỘ TÀI CHÍNH,L=Hà Nội,C=VN"


def test_a_name_longer_than_the_directory_allows_is_refused(shared_pki):
    with pytest.raises(UsageError, match="EDX-PKI-NAME-LENGTH"):
        shared_pki.issue_organisation("Ủ" * 33)


def test_a_subscriber_with_an_rsa_key_has_the_four_usages_seen():
    pki = Pki.create(key="rsa2048")
    usage = extension(person(pki).certificate, x509.KeyUsage)
    assert usage.critical
    assert (usage.value.digital_signature, usage.value.content_commitment) == (True, True)
    assert (usage.value.key_encipherment, usage.value.data_encipherment) == (True, True)


def test_a_key_that_cannot_encrypt_does_not_claim_to(shared_pki):
    usage = extension(person(shared_pki).certificate, x509.KeyUsage).value
    assert usage.content_commitment
    assert not usage.key_encipherment


def test_the_time_stamping_purpose_is_critical_and_alone(shared_pki):
    purpose = extension(shared_pki.tsa.certificate, x509.ExtendedKeyUsage)
    assert purpose.critical
    assert list(purpose.value) == [ExtendedKeyUsageOID.TIME_STAMPING]


def test_every_address_is_under_a_reserved_name(shared_pki):
    certificate = person(shared_pki).certificate
    access = extension(certificate, x509.AuthorityInformationAccess).value
    points = extension(certificate, x509.CRLDistributionPoints).value
    urls = [one.access_location.value for one in access] + [one.full_name[0].value for one in points]
    assert len(urls) == 3
    assert all(url.split("/")[2].endswith(".example") for url in urls)


def test_the_root_says_that_it_is_a_test(shared_pki):
    for certificate in (*shared_pki.anchors, *shared_pki.intermediates):
        assert "THỬ NGHIỆM" in certificate.subject.rfc4514_string()


def test_everything_runs_twenty_years_from_2023(shared_pki):
    certificates = [*shared_pki.anchors, *shared_pki.intermediates, person(shared_pki).certificate]
    for certificate in certificates:
        assert certificate.not_valid_before_utc == datetime(2023, 1, 1, tzinfo=UTC)
        assert certificate.not_valid_after_utc == datetime(2043, 1, 1, tzinfo=UTC)
    for crl in shared_pki.crls():
        assert crl.last_update_utc == datetime(2023, 1, 1, tzinfo=UTC)
        assert crl.next_update_utc == datetime(2043, 1, 1, tzinfo=UTC)


def test_a_certificate_has_the_dates_asked_for(shared_pki):
    expired = person(shared_pki, not_before=JUNE - timedelta(days=9), not_after=JUNE).certificate
    assert expired.not_valid_after_utc == JUNE


def test_the_kind_of_key_is_the_one_asked_for():
    assert isinstance(Pki.create(key="rsa2048").tsa.private_key, rsa.RSAPrivateKey)
    assert isinstance(Pki.create(key="p256").tsa.private_key, ec.EllipticCurvePrivateKey)
    with pytest.raises(UsageError, match="EDX-PKI-KEY-KIND"):
        Pki.create(key="dsa")


def test_a_list_of_a_past_day_does_not_know_later_revocations():
    pki = Pki.create(key="p256")
    first, second = person(pki), person(pki)
    pki.revoke(first, JUNE, x509.ReasonFlags.key_compromise)
    pki.revoke(second, JUNE + timedelta(days=2))
    yesterday, now = pki.crls(JUNE + timedelta(days=1))[1], pki.crls()[1]
    assert [one.serial_number for one in yesterday] == [first.certificate.serial_number]
    assert {one.serial_number for one in now} == {one.certificate.serial_number for one in (first, second)}
    assert now.last_update_utc == JUNE + timedelta(days=2)


def test_the_number_of_a_list_grows_with_time():
    pki = Pki.create(key="p256")
    numbers = [
        extension(pki.crls(JUNE + timedelta(seconds=step))[1], x509.CRLNumber).value.crl_number for step in range(3)
    ]
    assert numbers == sorted(set(numbers))


def test_a_stale_list_can_be_had(shared_pki):
    assert shared_pki.crls(JUNE, until=JUNE + timedelta(days=1))[1].next_update_utc == JUNE + timedelta(days=1)


def test_an_intermediate_is_revoked_on_the_root_s_list():
    pki = Pki.create(key="p256")
    pki.revoke(pki.intermediates[0], JUNE)
    assert [len(list(crl)) for crl in pki.crls()] == [1, 0]


def test_a_stranger_s_certificate_is_not_revoked_nor_registered(shared_pki):
    stranger = person(Pki.create(key="p256"))
    with pytest.raises(UsageError, match="EDX-PKI-REVOKE"):
        shared_pki.revoke(stranger, JUNE)
    with pytest.raises(UsageError, match="EDX-PKI-REGISTER"):
        shared_pki.register(stranger, "H58.10.05")


@pytest.mark.parametrize("password", [None, "mật khẩu".encode()])
def test_a_key_file_reads_back_with_its_password(shared_pki, tmp_path, password):
    credential = person(shared_pki)
    path = credential.save(tmp_path / "person.p12", password)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = Credential.load(path, password)
    assert again.certificate == credential.certificate
    assert again.chain == shared_pki.intermediates
    assert again.private_key.private_numbers() == credential.private_key.private_numbers()


def test_a_wrong_password_a_missing_file_and_a_file_without_key_are_told_apart(shared_pki, tmp_path):
    path = person(shared_pki).save(tmp_path / "person.p12", b"right")
    with pytest.raises(WrongPassword):
        Credential.load(path, b"wrong")
    with pytest.raises(InputError, match="EDX-FILE-UNREADABLE"):
        Credential.load(tmp_path / "none.p12")
    bare = tmp_path / "bare.p12"
    bare.write_bytes(
        pkcs12.serialize_java_truststore(
            [pkcs12.PKCS12Certificate(shared_pki.anchors[0], b"ca")], BestAvailableEncryption(b"x")
        )
    )
    with pytest.raises(KeyFileError):
        Credential.load(bare, b"x")


@pytest.mark.parametrize("password", ["", "bimat"])
def test_openssl_reads_the_key_file(shared_pki, tmp_path, tool, password):
    path = person(shared_pki).save(tmp_path / "person.p12", password.encode() or None)
    command = [tool("openssl"), "pkcs12", "-in", str(path), "-passin", f"pass:{password}", "-nodes"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert text.count("BEGIN CERTIFICATE") == 2
    assert text.count("PRIVATE KEY-----") == 2


def test_pyhanko_reads_the_key_file(tmp_path):
    from pyhanko.sign.signers import SimpleSigner

    pki = Pki.create(key="rsa2048")
    path = person(pki).save(tmp_path / "person.p12")
    signer = SimpleSigner.load_pkcs12(str(path), passphrase=None)
    assert signer.signing_cert.serial_number


def test_a_key_goes_to_pem_with_and_without_password(shared_pki):
    credential = person(shared_pki)
    for password in (None, b"bimat"):
        key = load_pem_private_key(credential.private_key_pem(password), password)
        assert key.private_numbers() == credential.private_key.private_numbers()


def test_a_credential_shows_neither_name_nor_key(shared_pki):
    text = repr(person(shared_pki))
    assert "Nguyễn" not in text
    assert "object" not in text


def test_a_saved_hierarchy_goes_on_where_it_was(tmp_path):
    pki = Pki.create(key="p256")
    pki.save(tmp_path)
    pki.revoke(Credential.load(tmp_path / "person.p12"), JUNE, x509.ReasonFlags.superseded)
    pki.save(tmp_path)
    again = Pki.load(tmp_path)
    assert again.anchors == pki.anchors
    assert again.tsa.certificate == pki.tsa.certificate
    assert again.registrations == pki.registrations
    assert [one.serial_number for one in again.crls()[1]] == [one.serial_number for one in pki.crls()[1]]
    person(again).certificate.verify_directly_issued_by(pki.intermediates[0])


def test_the_folder_holds_what_the_contract_names(tmp_path):
    Pki.create(key="p256").save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "trust",
        "ca",
        "person.p12",
        "organisation.p12",
        "registry.csv",
    }
    assert {path.name for path in (tmp_path / "trust").iterdir()} == {"root.crt", "state.crt", "root.crl", "state.crl"}
    assert stat.S_IMODE((tmp_path / "ca").stat().st_mode) == 0o700


def test_saving_again_keeps_the_first_subscribers(tmp_path):
    pki = Pki.create(key="p256")
    pki.save(tmp_path)
    before = (tmp_path / "person.p12").read_bytes()
    pki.save(tmp_path)
    assert (tmp_path / "person.p12").read_bytes() == before
    assert len(pki.registrations) == 2


def test_the_registry_knows_certificates_by_the_digest_of_their_der(tmp_path):
    Pki.create(key="p256").save(tmp_path, unit="H58.10.05")
    text = (tmp_path / "registry.csv").read_text("utf-8")
    assert text.splitlines()[0] == ",".join(COLUMNS)
    rows = {row.kind: row for row in read_registrations(text)}
    der = Credential.load(tmp_path / "person.p12").certificate.public_bytes(Encoding.DER)
    assert rows["person"].sha256 == hashlib.sha256(der).hexdigest()
    assert (rows["person"].full_name, rows["person"].position, rows["person"].capacity) == (
        "Nguyễn Văn A",
        "Chủ tịch",
        "TM.",
    )
    assert {row.unit for row in rows.values()} == {"H58.10.05"}


def test_a_protected_folder_needs_its_password(tmp_path):
    Pki.create(key="p256").save(tmp_path, password=b"bimat")
    with pytest.raises(WrongPassword):
        Pki.load(tmp_path)
    assert Pki.load(tmp_path, password=b"bimat").key == "p256"


@pytest.mark.parametrize("damage", ["empty", "book", "settings"])
def test_a_folder_that_is_none_is_named(tmp_path, damage):
    if damage != "empty":
        Pki.create(key="p256").save(tmp_path)
    if damage == "book":
        (tmp_path / "ca" / "book.csv").write_text("nothing\nhere\n")
    if damage == "settings":
        (tmp_path / "ca" / "pki.json").write_text("[")
    with pytest.raises(InputError, match="EDX-PKI-FOLDER"):
        Pki.load(tmp_path)


def test_a_device_is_named_for_tls(shared_pki):
    device = shared_pki.issue_device("Trục thử nghiệm", "BỘ THỬ NGHIỆM", hosts=["axis.example"])
    assert extension(device.certificate, x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName) == [
        "axis.example"
    ]
