"""Names of XML-DSig and XAdES."""

from __future__ import annotations

DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"

PREFIXES = {"ds": DS, "xades": XADES}

SIGNED_PROPERTIES_TYPE = "http://uri.etsi.org/01903#SignedProperties"
BASE64_TRANSFORM = f"{DS}base64"
"""The reference is to the bytes that the element's text encodes (XML-DSig 6.6.2)."""


def ds(name: str) -> str:
    """Return the Clark name of an XML-DSig element."""
    return f"{{{DS}}}{name}"


def xades(name: str) -> str:
    """Return the Clark name of a XAdES element."""
    return f"{{{XADES}}}{name}"
