"""The official document: kinds, number and notation, signatory, urgency, business action, status words."""

from edocx.documents.drafts import Document, Draft, Signatory
from edocx.documents.kinds import DocumentKind, copy_kinds, document_kinds
from edocx.documents.layout import Box, FieldText, PageLayout, PartField
from edocx.documents.numbers import DocumentId, DocumentNumber
from edocx.documents.words import BusinessAction, Capacity, StatusCode, Urgency, status_label

__all__ = [
    "Box",
    "BusinessAction",
    "Capacity",
    "Document",
    "DocumentId",
    "DocumentKind",
    "DocumentNumber",
    "Draft",
    "FieldText",
    "PageLayout",
    "PartField",
    "Signatory",
    "StatusCode",
    "Urgency",
    "copy_kinds",
    "document_kinds",
    "status_label",
]
