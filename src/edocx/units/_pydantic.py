"""What pydantic needs to know of UnitId; imported only when a model has such a field."""

from __future__ import annotations

from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from edocx.errors import UnitError
from edocx.units.unit_id import UnitId


def unit_id_schema() -> CoreSchema:
    """Build the schema: from JSON only text, from Python also a UnitId; written as its `reference`."""
    from_text = core_schema.no_info_after_validator_function(_parse, core_schema.str_schema(max_length=200))
    return core_schema.json_or_python_schema(
        json_schema=from_text,
        python_schema=core_schema.union_schema([core_schema.is_instance_schema(UnitId), from_text]),
        serialization=core_schema.plain_serializer_function_ser_schema(
            lambda unit_id: unit_id.reference, return_schema=core_schema.str_schema()
        ),
    )


def _parse(text: str) -> UnitId:
    try:
        return UnitId.parse(text)
    except UnitError as error:
        # Only a ValueError joins pydantic's list of faults; the stable code stays readable in it.
        raise PydanticCustomError("unit_id", "{code}: {text}", {"code": error.code, "text": error.text.en}) from error
