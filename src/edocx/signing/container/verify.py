"""Verifying ASiC containers (EN 319 162-1): one document (ASiC-S) or several (ASiC-E), signed beside each other.

1. Open the zip safely (`archive`) and find the signatures under META-INF.
2. XAdES: each reference leads to a file of the container; CAdES: to the one file (ASiC-S), or to a manifest whose
   digests lead to the files (ASiC-E).
3. Every file outside META-INF must be covered by a signature, or the container is partial; what else stands in
   META-INF (evidence records, timestamps of the whole, anything) is named.
4. The files are judged for themselves, by whoever called.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import re
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from lxml import etree

from edocx._xml import parse
from edocx.content import PIECE
from edocx.errors import EdocxError, InputError, LimitExceeded, Text
from edocx.signing.budget import Budget
from edocx.signing.cms.document import examine_file, hides_pdf, read_signed_data
from edocx.signing.container.archive import Archive, open_archive
from edocx.signing.container.meta_inf import LISTING, is_known, is_listing
from edocx.signing.container.remarks import COMMENT, MIMETYPE, beside, changed, hollow, missing, outside
from edocx.signing.judgement import Criteria, Finding, in_file, judge
from edocx.signing.mechanism import finish, new_hash
from edocx.signing.messages import BUDGET, MALFORMED_SIGNATURE, TRAILING
from edocx.signing.parts import file_part
from edocx.signing.report import Indication, Integrity, Message, Report, SignatureReport, SubIndication
from edocx.signing.signed import Content, Piece, SignedFiles
from edocx.signing.xml.algorithm_names import DIGESTS
from edocx.signing.xml.core import examine_any
from edocx.signing.xml.coverage import content_parts, told_around
from edocx.signing.xml.document import signatures_in, split_texts
from edocx.signing.xml.names import ds
from edocx.signing.xml.source import Sources, member_name

MIME_TYPES = (b"application/vnd.etsi.asic-e+zip", b"application/vnd.etsi.asic-s+zip")
ASIC = "http://uri.etsi.org/02918/v1.2.1#"

_XADES = re.compile(r"META-INF/[^/]*signatures[^/]*\.xml", re.IGNORECASE)
_CADES = re.compile(r"META-INF/[^/]*signature[^/]*\.p7s", re.IGNORECASE)
_MANIFEST = re.compile(r"META-INF/ASiCManifest[^/]*\.xml", re.IGNORECASE)


JudgeFile = Callable[[Path, str], Report]
"""Judges one file inside, given the place it was unpacked to and its name in the container."""


@dataclass(slots=True)
class _Result:
    findings: list[Finding] = field(default_factory=list)
    covered: set[str] = field(default_factory=set)
    beside: set[str] = field(default_factory=set)
    """Names in META-INF that are no signature, nor a list of files that one covers."""
    foreign: set[str] = field(default_factory=set)
    """Those among them that EN 319 162-1 does not know by their name, or that are something else than it says."""
    trailing: list[str] = field(default_factory=list)
    """Signatures with foreign bytes behind their end."""
    told: list[Message] = field(default_factory=list)
    """What stands in a signature's file beside the signature."""
    partial: bool = False
    keep: bool = False


def verify_asice(
    path: Path,
    criteria: Criteria,
    *,
    judge_file: JudgeFile,
    name: str | None = None,
    policy: str = "signatures-only",
) -> Report:
    """Judge a container and every file in it; raise `InputError` for a zip that cannot be read or is no container."""
    with open_archive(path) as archive, tempfile.TemporaryDirectory(prefix="edocx-") as folder:
        files = _unpack(archive, Path(folder))
        result = _examine(archive, files, keep=criteria.witness is not None)
        foreign = _foreign_in(archive)
        uncovered = sorted(set(files) - result.covered)
        # Under a broken signature what it covers is moot; without any, everything here stands outside.
        told = not result.findings or any(one.outcome is Indication.TOTAL_PASSED for one in result.findings)
        label = name or str(path)
        reports: list[SignatureReport] = [judge(in_file(one, label), criteria) for one in result.findings]
        inside = [judge_file(place, f"{name or path}#{entry}") for entry, place in files.items()]
    return Report.of(
        file=name or str(path),
        format="asice",
        policy=policy,
        signatures=reports,
        messages=[
            *([outside(entry) for entry in uncovered] if told else ()),
            *(beside(entry) for entry in sorted(result.beside)),
            *(hollow(entry) for entry in archive.hollow),
            *foreign,
            *result.told,
            *(TRAILING.model_copy(update={"where": entry[:200]}) for entry in result.trailing),
        ],
        attachments=inside,
        uncovered=(told and bool(uncovered or result.foreign)) or bool(result.trailing or foreign) or result.partial,
    )


def _foreign_in(archive: Archive) -> list[Message]:
    """Return what the container says outside of its files: EN 319 162-1 A.1 knows no more than its media type."""
    known = {b"mimetype=" + kind for kind in MIME_TYPES}
    found = [COMMENT] if any(one not in known for one in archive.comments) else []
    if "mimetype" in archive.entries and archive.read("mimetype", 1024).strip() not in MIME_TYPES:
        found.append(MIMETYPE)
    return found


def _unpack(archive: Archive, folder: Path) -> dict[str, Path]:
    """Write every data file under a name of ours; the container's names never become paths."""
    files = {}
    for order, name in enumerate(archive.names):
        if name == "mimetype" or name.startswith("META-INF/"):
            continue
        place = folder / f"{order}{PurePosixPath(name).suffix[:10]}"
        archive.save(name, place)
        files[name] = place
    kind = archive.read("mimetype", 1024).strip() if "mimetype" in archive.entries else b""
    if kind not in MIME_TYPES and not any(n.startswith("META-INF/") and "signature" in n for n in archive.names):
        raise InputError(
            Text("Tệp zip không phải vùng chứa chữ ký ASiC.", "The zip is no signed container (ASiC)."),
            hint=Text("Giải nén rồi kiểm tra từng tệp bên trong.", "Unpack it and verify the files inside."),
            code="EDX-ZIP-KIND",
            where=archive.where,
        )
    return files


def _examine(archive: Archive, files: dict[str, Path], *, keep: bool) -> _Result:
    result = _Result(keep=keep)
    budget = Budget.for_size(sum(place.stat().st_size for place in files.values()))
    manifests = {n: archive.read(n) for n in archive.names if _MANIFEST.fullmatch(n)}
    speaking = _speaking(manifests)
    listed = LISTING in archive.entries and is_listing(archive.read(LISTING), frozenset(archive.names))
    result.beside = {n for n in archive.names if n.startswith("META-INF/") and not (n == LISTING and listed)}
    for name in archive.names:
        try:
            if _XADES.fullmatch(name):
                result.beside.discard(name)
                _examine_xades(name, archive.read(name), files, budget, result)
            elif _CADES.fullmatch(name):
                result.beside.discard(name)
                budget.check()
                text = manifests.get(speaking.get(name, ""))
                _examine_cades(name, archive.read(name), files, (speaking.get(name, ""), text), result)
        except LimitExceeded:
            result.findings.append(_overrun(name))
        except EdocxError:
            result.findings.append(_unreadable(name))
    result.foreign = {n for n in result.beside if not is_known(n, archive.start(n))}
    return result


def _examine_xades(name: str, data: bytes, files: dict[str, Path], budget: Budget, result: _Result) -> None:
    root = parse(data)
    results = []
    signatures = list(signatures_in(root))
    if not signatures:
        result.beside.add(name)  # a letter of anybody's, under the name of a signature
    for order, signature in enumerate(signatures, 1):
        sources = Sources(members=files)
        core = examine_any(
            signature,
            sources=sources,
            keys=(),
            budget=budget,
            name=signature.get("Id") or f"Signature-{order}",
            keep=result.keep,
        )
        results.append(core)
        # What references led to, never what they say: “#part” leads into the signature and may be a file's name.
        led = {entry for entry, place in files.items() if place in sources.used}
        inside = [f"{name}#{part}" for part in content_parts(core)]
        finding = replace(core.finding, covers="attachment", parts=(*_named(led), *inside))
        result.findings.append(finding)
        if finding.outcome is Indication.TOTAL_PASSED:
            result.covered |= led
    around = told_around(root, results, signatures)
    result.told += [
        one.model_copy(update={"where": f"{name}#{one.where or ''}"[:200]})
        for one in (*around.messages, *split_texts(results))
        if one.code != _FRAME
    ]
    result.partial = result.partial or around.partial


_FRAME = "EDX-XML-ENCLOSED"
"""Said of a root around signed parts: here it is the frame of EN 319 162-1 A.5, around signatures only."""


def _examine_cades(
    name: str, data: bytes, files: dict[str, Path], listed: tuple[str, bytes | None], result: _Result
) -> None:
    manifest, text = listed
    signed, trailing = read_signed_data(data, name)
    if trailing:
        result.trailing.append(name)
    if not signed["signer_infos"] or hides_pdf(data, signed):
        result.beside.add(name)  # signed by nobody, or opened as something else than a signature
    if text is None:
        if len(files) != 1:
            result.findings.append(_unreadable(name))
            return
        ((only, place),) = files.items()
        findings = [_renamed(one, only) for one in examine_file(signed, place, label=name, keep=result.keep)]
        covered = {only}
    else:
        with tempfile.TemporaryDirectory(prefix="edocx-") as folder:
            place = Path(folder) / "manifest.xml"
            place.write_bytes(text)
            findings = list(examine_file(signed, place, label=name))
        fault, pieces, hash_names = _check_manifest(text, files)
        findings = [replace(one, hash_names=(*one.hash_names, *hash_names)) for one in findings]
        covered = {piece.name for piece in pieces}
        if result.keep:
            findings = [replace(one, content=Content("asice", pieces, SignedFiles)) for one in findings]
        if fault is not None:
            findings = [_failed(one, fault) if one.outcome is Indication.TOTAL_PASSED else one for one in findings]
        if findings:
            result.beside.discard(manifest)
    result.findings += [replace(one, covers="attachment", parts=_named(covered)) for one in findings]
    if any(one.outcome is Indication.TOTAL_PASSED for one in findings):
        result.covered |= covered


def _named(entries: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(map(file_part, entries)))


def _speaking(manifests: dict[str, bytes]) -> dict[str, str]:
    """Return by signature the list that it is over: the first that names it."""
    found: dict[str, str] = {}
    for manifest, text in manifests.items():
        with contextlib.suppress(EdocxError):
            for reference in parse(text).iterfind(f"{{{ASIC}}}SigReference"):
                found.setdefault(member_name(reference.get("URI", "")), manifest)
    return found


def _renamed(finding: Finding, name: str) -> Finding:
    """Name the only file as the container does: it was unpacked under a name of ours."""
    if finding.content is None:
        return finding
    pieces = tuple(replace(piece, name=name) for piece in finding.content.pieces)
    return replace(finding, content=Content("asice", pieces, SignedFiles))


def _check_manifest(
    manifest: bytes, files: dict[str, Path]
) -> tuple[Message | None, tuple[Piece, ...], tuple[str, ...]]:
    """Return what is wrong, the files that hold, and by which hashes they do: a weak one is as weak as outside."""
    covered: dict[str, Piece] = {}
    digests: dict[tuple[str, str], bytes] = {}
    for reference in parse(manifest).iterfind(f"{{{ASIC}}}DataObjectReference"):
        name = member_name(reference.get("URI", ""))
        expected, hash_name = _digest_of(reference)
        if name not in files or expected is None or hash_name is None:
            return missing(name), (), ()
        if (name, hash_name) not in digests:  # a list may name one large file ten thousand times
            digests[name, hash_name] = _digest_file(files[name], hash_name)
        if not hmac.compare_digest(digests[name, hash_name], expected):
            return changed(name), (), ()
        place = PurePosixPath(name)
        covered[name] = Piece.of_file(name, files[name], hash_name, expected, place.suffix)
    return None, tuple(covered.values()), tuple(sorted({hash_name for _, hash_name in digests}))


def _digest_file(path: Path, hash_name: str) -> bytes:
    hasher = new_hash(hash_name)
    with path.open("rb") as stream:
        while piece := stream.read(PIECE):
            hasher.update(piece)
    return finish(hasher)


def _digest_of(reference: etree._Element) -> tuple[bytes | None, str | None]:
    method = reference.find(ds("DigestMethod"))
    text = reference.findtext(ds("DigestValue"))
    if method is None or text is None:
        return None, None
    try:
        return base64.b64decode("".join(text.split()), validate=True), DIGESTS.get(method.get("Algorithm", ""))
    except ValueError:
        return None, None


def _failed(finding: Finding, message: Message) -> Finding:
    return replace(
        finding,
        integrity=Integrity.INVALID,
        outcome=Indication.TOTAL_FAILED,
        failure=SubIndication.HASH_FAILURE,
        messages=(message,),
    )


def _overrun(name: str) -> Finding:
    return replace(
        _unreadable(name),
        integrity=Integrity.INDETERMINATE,
        outcome=Indication.INDETERMINATE,
        failure=SubIndication.GENERIC,
        messages=(BUDGET,),
    )


def _unreadable(name: str) -> Finding:
    return Finding(
        id=name,
        format="CMS",
        integrity=Integrity.INVALID,
        covers="attachment",
        algorithm="unknown",
        outcome=Indication.TOTAL_FAILED,
        failure=SubIndication.FORMAT_FAILURE,
        messages=(MALFORMED_SIGNATURE,),
    )
