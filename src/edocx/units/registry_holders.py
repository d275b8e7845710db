"""What a certificate's entry says of its unit that the directory does not bear out."""

from __future__ import annotations

from collections.abc import Iterator

from edocx.clock import in_vietnam
from edocx.errors import Text
from edocx.units.history import BEGIN, END
from edocx.units.memory import MemoryDirectory
from edocx.units.registry import RegistryEntry


def spoken_for(entry: RegistryEntry, directory: MemoryDirectory) -> Text | None:
    """Say of a local entry whose unit others answer for that nobody of them confirmed it; None for other entries."""
    until = END if entry.valid_to is None else in_vietnam(entry.valid_to).date()
    held = directory.vouched.latest(entry.unit, until)
    if not entry.local or held is None:
        return None
    return Text(
        f"chỉ là ghi nhận riêng của cơ quan này: chưa nơi có trách nhiệm nào xác nhận chứng thư là của"
        f" {held.last.label} ({entry.unit}); kết quả kiểm tra dựa vào dòng này sẽ nói rõ",
        f"this office's own word: nobody responsible has confirmed that the certificate is {held.last.label}'s"
        f" ({entry.unit}); verdicts that rest on it say so",
    )


def holder_doubts(entry: RegistryEntry, directory: MemoryDirectory) -> Iterator[Text]:
    """Yield what is odd about an entry's unit: not in the directory, not open yet when it begins, closed while it runs.

    Neither makes the entry void: a directory may lag behind, and a closed unit's old signatures are still verified.
    """
    until = END if entry.valid_to is None else in_vietnam(entry.valid_to).date()
    held = directory.latest(entry.unit, until)
    if held is None:
        yield Text(f"danh bạ không có đơn vị {entry.unit}", f"the directory has no unit {entry.unit}")
        return
    begin = BEGIN if entry.valid_from is None else in_vietnam(entry.valid_from).date()
    if begin != BEGIN and begin < held.opened:
        yield Text(
            f"đơn vị {entry.unit} chỉ có từ {held.opened:%d/%m/%Y}",
            f"the unit {entry.unit} opened on {held.opened.isoformat()} only",
        )
    if held.closed < until:
        yield Text(
            f"đơn vị {entry.unit} đã kết thúc từ {held.closed:%d/%m/%Y}, dòng này còn hiệu lực sau đó",
            f"the unit {entry.unit} closed on {held.closed.isoformat()}, the entry runs on",
        )
