"""The trust pack is refused when it was changed, signed by another, or put back to an older version."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import pytest

from edocx.errors import InputError
from edocx.signing import trust_pack
from edocx.signing.trust_pack import CONTEXT, LEAST_VERSION, PACK, SIGNATURE, open_pack, read_pack

SHIPPED = Path(trust_pack.__file__).parent / "trust_data"
TOOL = Path(__file__).parents[2] / "tools" / "sign_trust_pack.py"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("sign_trust_pack", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(SHIPPED, tmp_path / "pack")
    return tmp_path / "pack"


@pytest.fixture
def maintainer(tool, tmp_path, capsys):
    """Another maintainer's key: its file and what he pins."""
    assert tool.main(["--new-key", str(tmp_path / "key.pem")]) == 0
    return tmp_path / "key.pem", capsys.readouterr().out.partition("pin: ")[2].strip()


def refused(folder, **options):
    with pytest.raises(InputError) as caught:
        open_pack(folder, **options)
    return caught.value.code


def test_the_shipped_pack_is_signed_by_the_pinned_key_and_new_enough():
    assert open_pack(SHIPPED) == read_pack()
    assert read_pack().version == LEAST_VERSION, "raise LEAST_VERSION with the pack"


@pytest.mark.parametrize("place", [0, 100, -2])
def test_a_changed_byte_is_refused(folder, place):
    data = bytearray((folder / PACK).read_bytes())
    data[place] ^= 1
    (folder / PACK).write_bytes(bytes(data))
    assert refused(folder) == "EDX-TRUST-PACK-SIGNATURE"


@pytest.mark.parametrize("value", [None, b"", b"AAAA", b"no base64", b"A" * 88])
def test_a_missing_or_broken_signature_is_refused(folder, value):
    (folder / SIGNATURE).unlink() if value is None else (folder / SIGNATURE).write_bytes(value)
    assert refused(folder) == "EDX-TRUST-PACK-SIGNATURE"


def test_a_pack_signed_with_another_key_is_refused_and_good_where_that_key_is_pinned(folder, tool, maintainer):
    key, pin = maintainer
    assert tool.main([str(key), str(folder)]) == 0
    assert refused(folder) == "EDX-TRUST-PACK-SIGNATURE"
    assert open_pack(folder, key=pin) == read_pack()


@pytest.mark.parametrize(
    "version,code", [("2026.10", "OLD"), ("2025.12", "OLD"), ("2026.9", "OLD"), ("x", "FORM"), ("", "FORM")]
)
def test_an_older_version_is_refused_however_well_signed(folder, tool, maintainer, version, code):
    key, pin = maintainer
    pack = json.loads((folder / PACK).read_text("utf-8")) | {"version": version}
    (folder / PACK).write_text(json.dumps(pack, ensure_ascii=False), "utf-8")
    tool.main([str(key), str(folder)])
    assert refused(folder, key=pin, least="2026.11") == f"EDX-TRUST-PACK-{code}"


def test_a_signature_over_the_bare_file_is_none_over_the_pack(folder, maintainer):
    from base64 import b64encode

    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key, pin = maintainer
    value = load_pem_private_key(key.read_bytes(), None).sign((folder / PACK).read_bytes())
    (folder / SIGNATURE).write_bytes(b64encode(value))
    assert refused(folder, key=pin) == "EDX-TRUST-PACK-SIGNATURE"
    assert CONTEXT


def test_a_new_key_is_never_written_over_another(tool, maintainer):
    with pytest.raises(FileExistsError):
        tool.main(["--new-key", str(maintainer[0])])


def test_an_exchanged_certificate_is_refused_by_its_fingerprint(folder, monkeypatch):
    (folder / "rootcag2.crt").write_bytes((folder / "vnrca256.crt").read_bytes())
    monkeypatch.setattr(trust_pack, "files", lambda _: folder.parent)
    folder.rename(folder.parent / "trust_data")
    trust_pack.load_domain.cache_clear()
    try:
        with pytest.raises(InputError) as caught:
            trust_pack.load_domain("vn-official")
    finally:
        trust_pack.load_domain.cache_clear()
    assert caught.value.code == "EDX-TRUST-TAMPERED"
