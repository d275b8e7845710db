"""The tables of edXML's header: which wire element is which field, in which order, how long, called what.

Reader, writer and rules walk the same tables, so that what one writes the other reads. Lengths are
those of peers' checkers, not of the norm (spec §2). The order of a table is the order written for the
axis (dialect A); ``net`` is the order that .NET peers expect (dialect A′).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, auto
from functools import cache
from typing import TypeAlias

from edocx.envelope import names as n


class Kind(IntEnum):
    """What stands in an element; those from GROUP on are no single values."""

    TEXT = auto()
    KEY = auto()
    """Text that something is looked up by: blanks around it are worth a word."""
    INT = auto()
    FLAG = auto()
    DATE = auto()
    MOMENT = auto()
    BUSINESS = auto()
    STATUS = auto()
    GROUP = auto()
    """A structure of its own."""
    GROUPS = auto()
    """The same, standing any number of times."""
    MERGED = auto()
    """A structure on the wire whose fields belong to the one above in the model."""
    TEXTS = auto()
    """A wrapper around repeated texts."""
    LIST = auto()
    """A wrapper around repeated structures."""


EASY_TEXT, EASY_NUMBER, EASY_DATE, EASY_GROUP, EASY_GROUPS = 1, 2, 3, 4, 5

_EASE = {
    Kind.TEXT: EASY_TEXT,
    Kind.KEY: EASY_TEXT,
    Kind.INT: EASY_NUMBER,
    Kind.DATE: EASY_DATE,
    Kind.GROUP: EASY_GROUP,
    Kind.GROUPS: EASY_GROUPS,
}


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One element: wire name, attribute of the model, kind, Vietnamese name, longest value at known peers."""

    name: str
    key: str
    kind: Kind
    vi: str
    longest: int | None = None
    group: Group | None = None
    item: str = ""
    ease: int = field(init=False)
    """What can be taken without a remark: `EASY_TEXT` to `EASY_GROUPS`, 0 for all else. A plain number, for speed."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "ease", _EASE.get(self.kind, 0))

    @property
    def structure(self) -> Group:
        """The group of a field that has one."""
        assert self.group is not None
        return self.group


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """The fields of one structure in writing order; ``net`` the names in the order of .NET peers, where it differs."""

    fields: tuple[Field, ...]
    net: tuple[str, ...] = ()

    def ordered(self, net: bool) -> tuple[Field, ...]:
        """Return the fields in the order to write; those that ``net`` does not name come after it."""
        if not (net and self.net):
            return self.fields
        rank = {name: place for place, name in enumerate(self.net)}
        return tuple(sorted(self.fields, key=lambda field: rank.get(field.name, len(rank))))


def _text(name: str, key: str, vi: str, longest: int | None = None) -> Field:
    return Field(name, key, Kind.TEXT, vi, longest)


ORGANIZATION = Group(
    (
        Field(n.ORGAN_ID, "unit", Kind.KEY, "mã định danh cơ quan", 35),
        _text(n.IN_CHARGE, "in_charge", "cơ quan chủ quản", 500),
        _text(n.ORGAN_NAME, "name", "tên cơ quan", 200),
        _text(n.ORGAN_ADD, "address", "địa chỉ", 500),
        _text(n.EMAIL, "email", "thư điện tử", 100),
        _text(n.TELEPHONE, "telephone", "điện thoại", 20),
        _text(n.FAX, "fax", "fax", 20),
        _text(n.WEBSITE, "website", "trang thông tin", 20),
    ),
    net=(n.ORGAN_ID, n.ORGAN_NAME, n.IN_CHARGE, n.ORGAN_ADD, n.EMAIL, n.TELEPHONE, n.FAX, n.WEBSITE),
)
CODE = Group(
    (
        Field(n.CODE_NUMBER, "number", Kind.KEY, "số", 11),
        Field(n.CODE_NOTATION, "notation", Kind.KEY, "ký hiệu", 30),
    )
)
PROMULGATION = Group(
    (
        _text(n.PLACE, "place", "nơi ban hành", 50),
        Field(n.PROMULGATION_DATE, "date", Kind.DATE, "ngày ban hành"),
    )
)
DOCUMENT_TYPE = Group(
    (
        Field(n.TYPE, "type", Kind.INT, "loại (nhóm) văn bản"),
        Field(n.TYPE_DETAIL, "detail", Kind.INT, "chi tiết loại văn bản"),
        _text(n.TYPE_NAME, "name", "tên loại văn bản", 100),
    ),
    net=(n.TYPE, n.TYPE_NAME, n.TYPE_DETAIL),
)
SIGNATORY = Group(
    (
        _text(n.COMPETENCE, "capacity", "thẩm quyền ký", 100),
        _text(n.POSITION, "position", "chức vụ", 100),
        _text(n.FULL_NAME, "full_name", "họ tên người ký", 255),
    )
)
OTHER = Group(
    (
        Field(n.PRIORITY, "urgency", Kind.INT, "độ khẩn"),
        _text(n.SPHERE, "sphere", "phạm vi lưu hành", 100),
        _text(n.TYPER, "typist", "ký hiệu người đánh máy", 10),
        Field(n.COPIES, "copies", Kind.INT, "số bản phát hành"),
        Field(n.PAGES, "pages", Kind.INT, "số trang"),
        _text(n.REPLY_FORS, "reply_fors", "trả lời cho"),
        Field(n.DIRECTION, "direction", Kind.FLAG, "chỉ đạo"),
        _text(n.REFERENCE_CODES, "reference_codes", "số tham chiếu"),
        Field(n.APPENDIXES, "appendixes", Kind.TEXTS, "phụ lục", item=n.APPENDIX),
    )
)
RESPONSE_FOR = Group(
    (
        Field(n.ORGAN_ID, "unit", Kind.KEY, "mã định danh cơ quan", 35),
        Field(n.CODE, "code", Kind.KEY, "số, ký hiệu"),
        Field(n.DOCUMENT_ID, "document_id", Kind.KEY, "mã định danh văn bản", 200),
        Field(n.PROMULGATION_DATE, "date", Kind.DATE, "ngày ban hành"),
    ),
    net=(n.ORGAN_ID, n.CODE, n.PROMULGATION_DATE, n.DOCUMENT_ID),
)
STAFF = Group(
    (
        _text(n.DEPARTMENT, "department", "phòng, ban", 250),
        _text(n.DEPARTMENT_ID, "department_id", "mã phòng, ban"),
        _text(n.STAFF, "name", "cán bộ", 100),
        _text(n.STAFF_ID, "staff_id", "mã cán bộ"),
        _text(n.EMAIL, "email", "thư điện tử"),
        _text(n.MOBILE, "mobile", "điện thoại di động", 30),
    )
)
_SENDER = Field(n.FROM, "from", Kind.GROUP, "cơ quan gửi", group=ORGANIZATION)
_RESPONSES = Field(n.RESPONSE_FOR, "response_for", Kind.GROUPS, "văn bản được phúc đáp", group=RESPONSE_FOR)
_STAFF = Field(n.STAFF_INFO, "staff", Kind.GROUP, "cán bộ", group=STAFF)

DOCUMENT_HEADER = Group(
    (
        _SENDER,
        Field(n.TO, "to", Kind.GROUPS, "cơ quan nhận", group=ORGANIZATION),
        Field(n.DOCUMENT_ID, "document_id", Kind.KEY, "mã định danh văn bản", 200),
        Field(n.CODE, "code", Kind.GROUP, "số, ký hiệu", group=CODE),
        Field(n.PROMULGATION, "promulgation", Kind.GROUP, "thông tin ban hành", group=PROMULGATION),
        Field(n.DOCUMENT_TYPE, "document_type", Kind.GROUP, "loại văn bản", group=DOCUMENT_TYPE),
        _text(n.SUBJECT, "subject", "trích yếu", 500),
        _text(n.CONTENT, "content", "nội dung tóm tắt", 500),
        Field(n.SIGNER, "signatory", Kind.GROUP, "người ký", group=SIGNATORY),
        Field(n.DUE_DATE, "due_date", Kind.DATE, "hạn xử lý"),
        Field(n.OTHER, "other", Kind.GROUP, "thông tin khác", group=OTHER),
        _RESPONSES,
        Field(n.STEERING, "steering", Kind.INT, "loại chỉ đạo"),
        Field(n.TASKS, "tasks", Kind.TEXTS, "mã nhiệm vụ", item=n.TASK_CODE),
        _text(n.APPLICATION, "application_type", "loại ứng dụng"),
        Field(n.TO_PLACES, "to_places", Kind.TEXTS, "nơi nhận", 150, item=n.PLACE),
    ),
    net=(
        *(n.FROM, n.TO, n.CODE, n.PROMULGATION, n.DOCUMENT_TYPE, n.SUBJECT, n.CONTENT, n.SIGNER, n.DUE_DATE),
        *(n.TO_PLACES, n.OTHER, n.RESPONSE_FOR, n.STEERING, n.DOCUMENT_ID),
    ),
)
STATUS_HEADER = Group(
    (
        _SENDER,
        _RESPONSES,
        _STAFF,
        Field(n.STATUS_CODE, "status_code", Kind.STATUS, "mã trạng thái", 2),
        _text(n.DESCRIPTION, "description", "diễn giải, lý do", 500),
        Field(n.TIMESTAMP, "timestamp", Kind.MOMENT, "thời điểm"),
    )
)
RECEIVER = Group(
    (
        Field(n.ORGAN_ID, "unit", Kind.KEY, "mã định danh cơ quan", 35),
        Field(n.RECEIVER_TYPE, "type", Kind.INT, "loại nơi nhận"),
    )
)
UPDATE = Group(
    (
        Field(n.DOCUMENT_INFO, "document_info", Kind.INT, "thông tin văn bản thay đổi"),
        Field(n.DOCUMENT_RECEIVER, "document_receiver", Kind.INT, "nơi nhận thay đổi"),
        Field(n.RECEIVERS, "receivers", Kind.LIST, "danh sách nơi nhận", group=RECEIVER, item=n.RECEIVER),
    )
)
REPLACEMENT = Group(
    (
        Field(n.DOCUMENT_ID, "document_id", Kind.KEY, "mã văn bản bị thay thế", 200),
        Field(n.ORGAN_IDS, "units", Kind.TEXTS, "cơ quan giữ văn bản cũ", item=n.ORGAN_ID),
    )
)
BUSINESS = Group(
    (
        Field(n.DOCUMENT_ID, "business_target", Kind.KEY, "văn bản gốc bị tác động", 200),
        Field(n.BUSINESS_TYPE, "business", Kind.BUSINESS, "loại nghiệp vụ"),
        _text(n.BUSINESS_REASON, "business_reason", "lý do"),
        Field(n.PAPER, "paper", Kind.INT, "có gửi bản giấy"),
        Field(n.BUSINESS_INFO, "update", Kind.GROUP, "thông tin cập nhật", group=UPDATE),
        Field(n.REPLACEMENTS, "replaces", Kind.LIST, "văn bản bị thay thế", group=REPLACEMENT, item=n.REPLACEMENT),
        _STAFF,
    )
)
TRACE = Group(
    (
        Field(n.ORGAN_ID, "unit", Kind.KEY, "nơi đi qua", 35),
        Field(n.TIMESTAMP, "timestamp", Kind.MOMENT, "thời điểm"),
    )
)
TRACE_LIST = Group(
    (
        Field(n.PAPER, "trace_paper", Kind.INT, "bản giấy"),
        Field(n.BUSINESS, "business", Kind.MERGED, "nghiệp vụ", group=BUSINESS),
        Field(n.TRACE, "trace", Kind.GROUPS, "vết", group=TRACE),
    ),
    net=(n.TRACE, n.BUSINESS, n.PAPER),
)
ATTACHMENT = Group(
    (
        Field(n.CONTENT_ID, "content_id", Kind.KEY, "khoá nối với bảng kê"),
        _text(n.ATTACHMENT_NAME, "name", "tên tệp", 255),
        _text(n.DESCRIPTION, "description", "mô tả"),
        _text(n.FIELD_NAME, "field_name", "tên trường"),
        _text(n.MIME_TYPE, "mime_type", "kiểu MIME (VNPT)"),
        _text(n.FORMAT, "format", "định dạng"),
        _text(n.CONTENT_TYPE, "media_type", "kiểu nội dung"),
    )
)
MANIFEST_ENTRY = Group(
    (
        Field(n.CONTENT_ID, "content_id", Kind.KEY, "khoá nối với tệp"),
        _text(n.CONTENT_TYPE, "media_type", "kiểu nội dung"),
        _text(n.DESCRIPTION, "description", "mô tả"),
        _text(n.ATTACHMENT_NAME, "name", "tên tệp", 255),
    ),
    net=(n.DESCRIPTION, n.ATTACHMENT_NAME, n.CONTENT_TYPE, n.CONTENT_ID),
)

_ALIASES_C = {
    id(SIGNATORY): {n.SIGNER_C: n.FULL_NAME},
    id(ATTACHMENT): {n.FILE_NAME_C: n.ATTACHMENT_NAME, n.FILE_TYPE_C: n.CONTENT_TYPE},
}
"""Dialect C's own names for fields of ours (its Promulgator is a body, not a place: kept as unknown)."""


Index: TypeAlias = Mapping[str, tuple[Field, str, int, Group | None]]
"""A group's fields by expanded name, each with its key, ease and group at hand."""


@cache
def by_tag(group: Group, namespace: str) -> Index:
    """Return the fields of a group by their expanded name in a namespace. A plain dict, for speed: do not change it."""
    named = {field.name: field for field in group.fields}
    aliases = _ALIASES_C.get(id(group), {}) if namespace == n.GO else {}
    known = named | {alias: named[name] for alias, name in aliases.items()}
    return {n.tag(name, namespace): (field, field.key, field.ease, field.group) for name, field in known.items()}
