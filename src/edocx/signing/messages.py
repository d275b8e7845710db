"""What the verifiers say, each sentence once."""

from __future__ import annotations

from edocx.errors import Text
from edocx.signing.report import Message

DIGEST = Message.of(
    "EDX-PDF-DIGEST",
    "error",
    Text("Nội dung đã ký bị thay đổi sau khi ký.", "The signed content was changed after signing."),
)
VALUE = Message.of(
    "EDX-SIGNATURE-VALUE",
    "error",
    Text("Giá trị chữ ký không khớp với khóa của người ký.", "The signature value does not fit the signer's key."),
)
RANGE = Message.of(
    "EDX-PDF-RANGE",
    "error",
    Text("Chữ ký không bao trùm đúng phần nó phải bao trùm.", "The signature does not cover what it must cover."),
)
CHANGED = Message.of(
    "EDX-PDF-CHANGED",
    "error",
    Text(
        "Sau chữ ký này, tệp bị sửa ngoài phạm vi cho phép.",
        "After this signature the file was changed beyond what it permits.",
    ),
)
FILLED = Message.of(
    "EDX-PDF-FILLED",
    "info",
    Text(
        "Sau chữ ký này chỉ có điền trường hoặc ký thêm, đúng phạm vi cho phép.",
        "After this signature fields were filled or signed, as it permits.",
    ),
)
UNCOVERED = Message.of(
    "EDX-PARTIAL-COVERAGE",
    "warning",
    Text(
        "Phần thêm vào sau chữ ký cuối cùng không được chữ ký nào bao trùm.",
        "What was added after the last signature is covered by none.",
    ),
)
MALFORMED_SIGNATURE = Message.of(
    "EDX-SIGNATURE-MALFORMED",
    "error",
    Text("Chữ ký sai cấu trúc, không đọc được.", "The signature is malformed and cannot be read."),
)
AROUND = Message.of(
    "EDX-PDF-DAMAGED-AROUND",
    "error",
    Text(
        "Phần đã ký còn nguyên nhưng phần còn lại của tệp bị hỏng.",
        "The signed part is intact, but the rest of the file is damaged.",
    ),
)
