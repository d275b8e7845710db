"""Why a peer judges a family of files otherwise than edocx, and why that stays so."""

from __future__ import annotations

ACCEPTS, REFUSES = "accepts what edocx refuses", "refuses what edocx accepts"

_RANGES = (
    "It looks at the signed byte range alone (and says beside its verdict that not the whole document is signed); what "
    "was written after it, which viewers show, is the reader's to judge. edocx explains every later change or fails."
)
_NO_STAMPS = (
    "It does not know document timestamps (SubFilter ETSI.RFC3161) and calls that one not yet verified; the person's "
    "signature in the same file it calls valid."
)
_TAIL = (
    "Objects or bytes after the last end mark are in no cross-reference table, so it does not see them; viewers that "
    "rebuild the table do. edocx calls the file partly covered."
)
_REBUILT = (
    "It takes the first of two values of a key, and follows tables that viewers reject and make anew from whatever "
    "objects they find; nobody asks it for every byte. edocx reads what is appended in one way only or fails."
)
_WRAPPED = (
    "The signature over its own part holds, and that part is what it returns: whoever reads the document around it "
    "instead reads what nobody signed. edocx reports the part outside; `verify --extract` gives only what was signed."
)
_DOCTYPE = " It also reads document types, with their entities, before verifying; edocx refuses them unread."
_FRAME = (
    "It finds the sealed parts by their Ids and asks no more: a part moved elsewhere, or a forged twin in the place "
    "where receivers look, is not its business. edocx asks for each part at its absolute place (docs/adr/0003)."
)
_COMMENTS = (
    "Canonicalisation drops comments, so the digest still fits; but some readers take a text only up to the first "
    "comment, and see another one. edocx allows no comment or instruction in what is sealed. The others are copies of "
    "sealed parts outside the seal, or base64 that readers decode differently."
)
_STRICT = (
    "Comments inside the signature itself, or a seal at another place than the profile's: canonicalisation hides the "
    "first, and a verifier that knows no profile cannot mind the second. edocx refuses both."
)

_FILLING = (
    "Fields may be added and filled after a signature, and pyHanko does not ask what their looks then cover, nor "
    "whether a field was hidden when somebody signed. In edocx empty fields draw nothing, looks are measured by their "
    "page, and what was hidden stays so."
)
_KEYLESS = (
    "It allows the looks of fields, and the form's own fonts, to be exchanged as filling, through objects that it does "
    "not compare; and it measures a timestamp's field by flags and a rectangle that viewers read otherwise. edocx "
    "compares what both revisions mean, along every path, and what anybody can add draws nothing in any state."
)
_BEHIND = (
    "It reads the signature and no further: what stands behind its end, or another block of text beside it, is not its "
    "business. edocx calls the file partly covered, and says that foreign bytes are in it."
)
_FRAMED = (
    "It goes by the directory at the end of the zip, and finds the genuine files; readers that begin at the start, go "
    "by local headers or mend the zip find others. edocx reads no zip that can be taken for two."
)

_REMARKS = (
    "Comments, the media type, other files in META-INF and what stands beside the signature in its file are not its "
    "business. edocx reads the container as partly covered, and names them."
)

_FRONTS = (
    "It reads every file from its end. Viewers read a file that calls itself linearised from its front, and show "
    "another page there. edocx signs no such draft and fails such a file."
)
_NAMES = (
    "It takes two spellings of a name for one, as it decodes them. Viewers that decode otherwise find another font or "
    "none. edocx compares names by their bytes."
)
_INSIDE = (
    "An enveloped signature is left out of its own digest, with whatever else is put into it. edocx calls such a file "
    "partly covered."
)
_FILTERS = (
    "It carries out the XPath as it stands; with the prefix bound anew that leaves out another element, and the rest "
    "still fits. edocx asks what the reference leaves out, and calls the file partly covered."
)
_NO_XPATH = (
    "It passes over XPath transforms: where `enveloped-signature` does not stand beside them, it takes the digest of "
    "everything, and that fits nothing. edocx carries them out within limits."
)
_ENCODED = (
    "The base64 transform takes the text, and drops the names, attributes and elements that it stands in. edocx calls "
    "the file partly covered when there is more around a text than its element."
)
_AS_CONTENT = (
    "A value without signed attributes is over the content (RFC 5652 5.4), so the attributes of a genuine signature "
    "pass for a document that nobody meant to sign. edocx refuses content that reads as attributes."
)
_BORROWED = (
    "The key did sign these bytes, as a request, a certificate, a list or the head of an XML signature; as a document "
    "nobody meant them. edocx refuses them where no signed attribute says what they are."
)
_ONE_SIGNER = "It reads a signature of one signer only; two over one file it refuses."
_TOGETHER = (
    "Each signature holds over what it names, and nobody asks whether they name the same: the person signed one thing "
    "and the agency sealed another. In edocx signatures meet a policy together only over one content."
)
_FIRST = "It looks at the first signature only. " + _TOGETHER
_NO_ANSWERS = "`openssl cms` reads revocation lists and no stored OCSP answers, and without a list nobody says “good”."
_HOLD = (
    "It takes every entry for the end of a certificate. A hold may end, and has ended with a newer complete list that "
    "does not name the certificate (RFC 5280 5.3.1)."
)
_STALE = (
    "It goes by what is in force and in the expected place: a list or answer that has run out, an older one beside one "
    "that is silent, a delta that its base does not announce, an indirect list says nothing to it. In edocx “revoked” "
    "counts wherever it is authentic, whatever its age; only a hold ends."
)
_ONE_MOMENT = (
    "It judges the unit's certificate for one moment, not for that of the stamp, and by lists in force only. edocx "
    "asks whether the certificate was valid at the stamp, and “revoked” counts whatever its age."
)
_LOOSE_STAMPS = (
    "It asks neither that a timestamp names its unit's certificate nor that the certificate's purpose is critical (RFC "
    "3161 2.3, 2.4.2). " + _ONE_MOMENT
)

ARGUED: dict[tuple[str, str, str], str] = {
    ("pyHanko", "PDF, forged, two fronts", ACCEPTS): _FRONTS,
    ("pyHanko", "PDF, forged, names exchanged", ACCEPTS): _NAMES,
    ("xmlsec1", "XML, forged inside the signature", ACCEPTS): _INSIDE,
    ("signxml", "XML, forged inside the signature", ACCEPTS): _INSIDE,
    ("xmlsec1", "XML, forged, selected by XPath", ACCEPTS): _FILTERS,
    ("signxml", "XML, selected by XPath", REFUSES): _NO_XPATH,
    ("xmlsec1", "XML, forged, around a text", ACCEPTS): _ENCODED,
    ("signxml", "XML, forged, around a text", ACCEPTS): _ENCODED,
    ("openssl", "CMS, forged, attributes as content", ACCEPTS): _AS_CONTENT,
    ("pyHanko on CMS", "CMS, forged, attributes as content", ACCEPTS): _AS_CONTENT,
    ("openssl", "CMS, forged, made over something else", ACCEPTS): _BORROWED,
    ("pyHanko on CMS", "CMS, forged, made over something else", ACCEPTS): _BORROWED,
    ("pyHanko on CMS", "CMS, forged, bytes behind it", ACCEPTS): _BEHIND,
    ("pyHanko on CMS", "CMS, joined, over one file", REFUSES): _ONE_SIGNER,
    ("zipfile and xmlsec1", "container, joined, forged", ACCEPTS): _TOGETHER,
    ("xmlsec1", "XML, joined, forged", ACCEPTS): _TOGETHER,
    ("signxml", "XML, joined, forged", ACCEPTS): _FIRST,
    ("openssl", "CMS, evidence, standing", REFUSES): _NO_ANSWERS,
    ("pyHanko on CMS", "CMS, evidence, standing", REFUSES): _HOLD,
    ("openssl", "CMS, evidence, forged", ACCEPTS): _STALE,
    ("pyHanko on CMS", "CMS, evidence, forged", ACCEPTS): _STALE,
    ("openssl ts", "timestamp, forged", ACCEPTS): _ONE_MOMENT,
    ("pyHanko on tokens", "timestamp, forged", ACCEPTS): _LOOSE_STAMPS,
    ("pyHanko", "PDF, forged, below a seal", ACCEPTS): _FILLING,
    ("pyHanko", "PDF, forged and prepared, below a seal", ACCEPTS): _FILLING,
    ("pyHanko", "PDF, forged without a key", ACCEPTS): _KEYLESS,
    ("openssl", "CMS, forged, bytes behind it", ACCEPTS): _BEHIND,
    ("zipfile and xmlsec1", "container, forged, remarks", ACCEPTS): _REMARKS,
    ("zipfile and xmlsec1", "container, forged, files beside", ACCEPTS): _REMARKS,
    ("zipfile and xmlsec1", "container, forged", ACCEPTS): _FRAMED,
    ("pdfsig", "PDF, forged", ACCEPTS): _RANGES,
    ("pyHanko", "PDF, forged, appended", ACCEPTS): _REBUILT,
    ("pdfsig", "PDF, signed by edocx", REFUSES): _NO_STAMPS,
    ("pyHanko", "PDF, forged", ACCEPTS): _TAIL,
    ("xmlsec1", "XML, forged", ACCEPTS): _WRAPPED + _DOCTYPE,
    ("signxml", "XML, forged", ACCEPTS): _WRAPPED,
    ("xmlsec1", "envelope, parts moved and doubled", ACCEPTS): _FRAME,
    ("signxml", "envelope, parts moved and doubled", ACCEPTS): _FRAME,
    ("xmlsec1", "envelope, texts rewritten", ACCEPTS): _COMMENTS,
    ("signxml", "envelope, texts rewritten", ACCEPTS): _COMMENTS,
    ("xmlsec1", "envelope, the signature tampered with", ACCEPTS): _STRICT,
    ("signxml", "envelope, the signature tampered with", ACCEPTS): _STRICT,
}
"""(peer, beginning of the files' name, direction) to why it answers otherwise than edocx and that stays so."""

WARNED = (
    "A field that was filled after one signature and sealed by a later trusted one is the later signer's to answer "
    "for, also where its look draws something else than its value. edocx passes these as its peers do, and says so "
    "beside the verdict (`EDX-PDF-VALUE-LOOK`), which they do not: the row “a field filled that shows something else”."
)
"""What stands in the table as genuine, and is not as it should be."""


def argument(peer: str, family: str, direction: str) -> str | None:
    """Return why a peer differs from edocx over a family: the first argument whose family is the name's beginning."""
    return next(
        (
            text
            for (who, kind, way), text in ARGUED.items()
            if who == peer and way == direction and family.startswith(kind)
        ),
        None,
    )
