"""The room's door: every exported name is there, and nothing else is promised."""

from __future__ import annotations

import pytest

import edocx.units


def test_every_exported_name_is_there_and_the_list_is_sorted():
    for name in edocx.units.__all__:
        assert getattr(edocx.units, name) is not None
    assert edocx.units.__all__ == sorted(edocx.units.__all__, key=lambda name: (name[0].islower(), name))
    with pytest.raises(AttributeError):
        edocx.units.nothing  # noqa: B018
