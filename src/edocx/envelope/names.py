"""Every wire name and namespace of edXML; nothing else in edocx spells them.

The misspelt ones ("Bussiness") are the standard's own: readers that follow it know no other spelling.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

QCVN: Final = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
GO: Final = "http://www.go.vn/eDoc"
ENVELOPES: Final = frozenset((QCVN, GO))
"""Namespaces of envelopes that are read."""
EDOC: Final = "http://www.e-doc.vn/Schema/"
SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
XMLDSIG: Final = "http://www.w3.org/2000/09/xmldsig#"
XLINK: Final = "http://www.w3.org/1999/xlink"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
XSD: Final = "http://www.w3.org/2001/XMLSchema"
XINCLUDE: Final = "http://www.w3.org/2001/XInclude"
XML: Final = "http://www.w3.org/XML/1998/namespace"

PREFIX: Final = "edXML"
CID: Final = "cid:"
WELL_KNOWN_PREFIXES: Final = MappingProxyType({PREFIX: QCVN, "xlink": XLINK, "xsi": XSI, "xsd": XSD})
"""What an undeclared prefix is taken to mean: readers that ignore namespaces let such files pass (spec §5)."""

# The frame
ROOT: Final = "edXML"
ENVELOPE: Final = "edXMLEnvelope"
ENVELOPE_C: Final = "EdXMLEnvelope"
HEADER: Final = "edXMLHeader"
MESSAGE_HEADER: Final = "MessageHeader"
TRACE_LIST: Final = "TraceHeaderList"
SIGNATURE: Final = "Signature"
DIGITAL_SIGNATURE: Final = "DigitalSignature"
BODY: Final = "edXMLBody"
MANIFEST: Final = "edXMLManifest"
MANIFEST_SHORT: Final = "Manifest"
REFERENCE: Final = "Reference"
ATTACHMENTS: Final = "AttachmentEncoded"
ATTACHMENT: Final = "Attachment"
SOAP_ENVELOPE: Final = "Envelope"
ALL_DOCUMENT: Final = "AllDocument"
AV_REPORT: Final = "AVReport"

# Organisations
FROM: Final = "From"
TO: Final = "To"
ORGAN_ID: Final = "OrganId"
IN_CHARGE: Final = "OrganizationInCharge"
ORGAN_NAME: Final = "OrganName"
ORGAN_ADD: Final = "OrganAdd"
EMAIL: Final = "Email"
TELEPHONE: Final = "Telephone"
FAX: Final = "Fax"
WEBSITE: Final = "Website"

# The message header
DOCUMENT_ID: Final = "DocumentId"
CODE: Final = "Code"
CODE_NUMBER: Final = "CodeNumber"
CODE_NOTATION: Final = "CodeNotation"
PROMULGATION: Final = "PromulgationInfo"
PLACE: Final = "Place"
PROMULGATION_DATE: Final = "PromulgationDate"
DOCUMENT_TYPE: Final = "DocumentType"
TYPE: Final = "Type"
TYPE_DETAIL: Final = "TypeDetail"
TYPE_NAME: Final = "TypeName"
SUBJECT: Final = "Subject"
CONTENT: Final = "Content"
SIGNER: Final = "SignerInfo"
COMPETENCE: Final = "Competence"
POSITION: Final = "Position"
FULL_NAME: Final = "FullName"
SIGNER_C: Final = "Signer"
DUE_DATE: Final = "DueDate"
OTHER: Final = "OtherInfo"
PRIORITY: Final = "Priority"
SPHERE: Final = "SphereOfPromulgation"
TYPER: Final = "TyperNotation"
COPIES: Final = "PromulgationAmount"
PAGES: Final = "PageAmount"
REPLY_FORS: Final = "ReplyFors"
DIRECTION: Final = "Direction"
REFERENCE_CODES: Final = "ReferenceCodes"
APPENDIXES: Final = "Appendixes"
APPENDIX: Final = "Appendix"
RESPONSE_FOR: Final = "ResponseFor"
STEERING: Final = "SteeringType"
TASKS: Final = "ResponseForTask"
TASK_CODE: Final = "TaskCode"
APPLICATION: Final = "ApplicationType"
TO_PLACES: Final = "ToPlaces"
STAFF_INFO: Final = "StaffInfo"
STATUS_CODE: Final = "StatusCode"
DESCRIPTION: Final = "Description"
TIMESTAMP: Final = "Timestamp"

# The trace and the business block
TRACE: Final = "TraceHeader"
PAPER: Final = "Paper"
BUSINESS: Final = "Bussiness"
BUSINESS_TYPE: Final = "BussinessDocType"
BUSINESS_REASON: Final = "BussinessDocReason"
BUSINESS_INFO: Final = "BussinessDocumentInfo"
DOCUMENT_INFO: Final = "DocumentInfo"
DOCUMENT_RECEIVER: Final = "DocumentReceiver"
RECEIVERS: Final = "ReceiverList"
RECEIVER: Final = "Receiver"
RECEIVER_TYPE: Final = "ReceiverType"
REPLACEMENTS: Final = "ReplacementInfoList"
REPLACEMENT: Final = "ReplacementInfo"
ORGAN_IDS: Final = "OrganIdList"
DEPARTMENT: Final = "Department"
DEPARTMENT_ID: Final = "DepartmentId"
STAFF: Final = "Staff"
STAFF_ID: Final = "StaffId"
MOBILE: Final = "Mobile"

BUSINESS_RESPELT: Final = MappingProxyType(
    {
        "Business": BUSINESS,
        "BusinessDocType": BUSINESS_TYPE,
        "BusinessDocReason": BUSINESS_REASON,
        "BusinessDocumentInfo": BUSINESS_INFO,
    }
)
"""Dialect D: the correct English spelling, which the official reader silently loses."""

TRACE_BUSINESS: Final = "Business"
TRACE_BUSINESS_PARTS: Final = ("BusinessName", "BusinessCode")
"""Dialect E: what a gateway adds to its TraceHeader."""

# Attachments
CONTENT_ID: Final = "ContentId"
CONTENT_TYPE: Final = "ContentType"
ATTACHMENT_NAME: Final = "AttachmentName"
FIELD_NAME: Final = "FieldName"
MIME_TYPE: Final = "MimeType"
FORMAT: Final = "Format"
ENCODED: Final = "ContentTransferEncoded"
FILE_NAME_C: Final = "FileName"
FILE_TYPE_C: Final = "FileType"

SEAL_FILE: Final = "edxml-seal.xml"
"""Name of the attachment that carries a seal in its detached form (docs/adr/0003-envelope-seal.md)."""

# Attributes
ID: Final = "Id"
LIST_ID: Final = "id"
VERSION: Final = "version"
MUST_UNDERSTAND: Final = "mustUnderstand"
ACTOR: Final = "actor"
HREF: Final = f"{{{XLINK}}}href"
ROLE: Final = f"{{{XLINK}}}role"
LINK_TYPE: Final = f"{{{XLINK}}}type"
NIL: Final = f"{{{XSI}}}nil"
LINK_ROLE: Final = "XLinkRole"
LINK_SIMPLE: Final = "simple"
MANIFEST_VERSION: Final = "1.0"


def tag(name: str, namespace: str = QCVN) -> str:
    """Return the expanded name as lxml writes it, ``{namespace}name``; the bare name without a namespace."""
    return f"{{{namespace}}}{name}" if namespace else name


def local(expanded: str) -> str:
    """Return the name without its namespace."""
    return expanded.rpartition("}")[2]


def namespace(expanded: str) -> str:
    """Return the namespace of an expanded name, or ``""``."""
    return expanded[1:].partition("}")[0] if expanded.startswith("{") else ""


def bare_id(content_id: str) -> str:
    """Return a ContentId without its leading ``cid:``, however often it stands there.

    The official builder writes ``cid:cid:<uuid>`` when it was given no id (spec §2.7).
    """
    text = content_id.strip()
    while text.startswith(CID):
        text = text.removeprefix(CID).lstrip()
    return text
