"""A province of 2023 on one machine: its units, certificates, one day's mail, and the count of what became of it.

Everything is generated and means nobody. Keys, signatures, envelopes, stores and journals are real; what is shared or
left out to fit one machine stands in `SAID`, and whoever prints a figure prints that too.
"""

from __future__ import annotations

from edocx.errors import Text
from edocx.testing.province.day import Day
from edocx.testing.province.plan import Letter, Plan
from edocx.testing.province.population import populate
from edocx.testing.province.tally import Tally

SAID = (
    Text("Khóa là P-256 (tạo 2.565 khóa RSA mất vài phút).", "Keys are P-256 (2,565 RSA keys take minutes to make)."),
    Text(
        "Mọi văn bản cùng một trang chữ; chữ ký, số, gói tin của mỗi văn bản là riêng.",
        "All letters share one page of text; signatures, number and envelope are each document's own.",
    ),
    Text(
        "Một trục cục bộ giữ mọi cấp: số chặng cho biết văn bản đi đâu, không phải mỗi chặng tốn bao lâu.",
        "One local axis holds all levels: hops tell where a document went, not what each hop costs.",
    ),
    Text(
        "847 mã không có con dấu chỉ gửi văn bản không ký; nơi nhận là các cơ quan có con dấu.",
        "The 847 identifiers without a seal only send unsigned documents; those with one receive.",
    ),
    Text(
        "Trục báo cho máy chủ biết đơn vị nào có thư; các văn phòng không hỏi lần lượt.",
        "The axis tells the host for which units mail waits; offices do not poll in turn.",
    ),
    Text(
        "Cả ngày chạy liền không nghỉ, theo thứ tự giờ; giờ cao điểm gửi dồn hơn.",
        "The day runs without pause, in the order of its hours; busy hours send in larger bursts.",
    ),
)
"""What is not as in a real province."""

__all__ = ["SAID", "Day", "Letter", "Plan", "Tally", "populate"]
