"""The door: every name it offers exists, and opening it is cheap."""

from __future__ import annotations

import subprocess
import sys

import pytest

import edocx


def test_all_is_complete_and_sorted():
    assert list(edocx.__all__) == sorted(edocx.__all__)
    for name in edocx.__all__:
        assert getattr(edocx, name) is not None


def test_a_name_that_is_not_offered_is_an_attribute_error():
    with pytest.raises(AttributeError):
        _ = edocx.nothing_of_the_kind


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


HEAVY = {"pyhanko", "cryptography", "lxml", "sqlalchemy", "pydantic", "rich", "fpdf", "PIL", "httpx"}


def test_importing_edocx_loads_nothing_heavy():
    assert not loaded_by("import edocx") & HEAVY


def test_showing_the_help_loads_nothing_heavy():
    code = "import edocx.cli\ntry:\n    edocx.cli.main(['--help'])\nexcept SystemExit:\n    pass"
    assert not loaded_by(code) & HEAVY


def test_reading_an_envelope_loads_neither_database_nor_pdf():
    loaded = loaded_by("import edocx.envelope.read, edocx.envelope.write")
    assert not loaded & {"sqlalchemy", "structlog", "rich", "pyhanko", "fpdf"}


def test_the_version_is_the_one_in_the_project_file():
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    assert edocx.__version__ == project["project"]["version"]
