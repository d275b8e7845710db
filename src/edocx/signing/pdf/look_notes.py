"""What a signer should know of what his signature will look like: a picture nobody sees, a seal without a place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edocx.documents import Box
from edocx.errors import Text
from edocx.signing.pdf.appearance import Appearance, image_facts
from edocx.signing.pdf.field_text import FieldValue
from edocx.signing.pdf.filling import covered_notes
from edocx.signing.pdf.slot import Slot, field_box
from edocx.signing.report import Message

NARROWEST = 5 * 72 / 25.4
"""Points: a picture of less than 5 mm is a blot."""

_EMPTY = Message.of(
    "EDX-IMAGE-EMPTY",
    "warning",
    Text(
        "Ảnh trong suốt hoàn toàn: trên trang sẽ không thấy gì. Kiểm tra lại tệp ảnh.",
        "The image is fully transparent: nothing will be seen on the page. Check the file.",
    ),
)

_SMALL = Message.of(
    "EDX-IMAGE-SMALL",
    "warning",
    Text(
        "Ảnh hiện trên trang rộng chưa đến 5 mm. Dùng ô lớn hơn, hoặc cắt bớt lề của ảnh.",
        "The image will be less than 5 mm wide on the page. Use a larger place, or crop the image's margins.",
    ),
)

_NO_SEAL = Message.of(
    "EDX-SEAL-NO-PLACE",
    "warning",
    Text(
        "Chữ ký này không chừa được chỗ cho con dấu: sau nó chỉ đóng dấu không hiển thị được. "
        "Nếu cần dấu hiện trên trang, hãy tạo ô bằng `edocx form` trên bản chưa ký rồi ký lại.",
        "This signature leaves no place for a seal: after it only an invisible one can be added. If the seal has to be "
        "seen, make the fields with `edocx form` on the unsigned file and sign that.",
    ),
)


def look_notes(
    source: Path, slot: Slot, appearance: Appearance | None, fill: Mapping[str, FieldValue] | None
) -> tuple[Message, ...]:
    """Return warnings of a signature's look: of its picture, of a seal without a place, of text that is filled over.

    Raises what `image_facts` raises for a file that is no picture, and `PdfError`.
    """
    notes = covered_notes(source, fill) if fill else ()
    if slot.sealless:
        notes += (_NO_SEAL,)
    if appearance is None or appearance.image is None:
        return notes
    facts = image_facts(appearance.image)
    if facts.empty:
        return (*notes, _EMPTY)
    box = slot.box or field_box(source, slot.name)
    if box is not None and _width(box, appearance, facts.width / facts.height) < NARROWEST:
        notes += (_SMALL.model_copy(update={"where": slot.name}),)
    return notes


def _width(box: Box, appearance: Appearance, proportion: float) -> float:
    """Return how wide an image is drawn: as large as its box allows, above its lines of text."""
    return max(0.0, min(box.x2 - box.x1, (box.y2 - box.y1 - appearance.foot) * proportion))
