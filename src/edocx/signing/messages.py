"""What the verifiers say, each sentence once: what was found, and what to do about it."""

from __future__ import annotations

from edocx.errors import Text
from edocx.signing.report import Message

DIGEST = Message.of(
    "EDX-PDF-DIGEST",
    "error",
    Text(
        "Nội dung đã ký bị thay đổi sau khi ký; đề nghị bên gửi gửi lại bản gốc.",
        "The signed content was changed after signing; ask the sender for the original.",
    ),
)
CONTENT_DIGEST = Message.of(
    "EDX-CONTENT-DIGEST",
    "error",
    Text(
        "Nội dung không khớp với nội dung đã ký; kiểm tra đã chọn đúng tệp và tệp không bị sửa.",
        "The content differs from what was signed; check that it is the right file and was not changed.",
    ),
)
VALUE = Message.of(
    "EDX-SIGNATURE-VALUE",
    "error",
    Text(
        "Giá trị chữ ký không khớp với khóa của người ký; chữ ký không có giá trị.",
        "The signature value does not fit the signer's key; the signature is worth nothing.",
    ),
)
RANGE = Message.of(
    "EDX-PDF-RANGE",
    "error",
    Text(
        "Chữ ký không bao trùm đúng phần nó phải bao trùm; có thể tệp bị ghép. Lấy lại bản gốc từ nơi gửi.",
        "The signature does not cover what it must cover; the file may be spliced. Fetch the original from its sender.",
    ),
)
CONTENTS = Message.of(
    "EDX-PDF-CONTENTS",
    "error",
    Text(
        "Khoảng trống của chữ ký không chỉ chứa chính chữ ký; tệp bị ghép. Lấy lại bản gốc từ nơi gửi.",
        "The gap in the signed range holds more than the signature itself; the file is spliced. Fetch the original.",
    ),
)
PADDING = Message.of(
    "EDX-PDF-PADDING",
    "warning",
    Text(
        "Chỗ trống dành cho chữ ký chứa dữ liệu lạ, không chữ ký nào bao trùm; lấy lại tệp từ nơi gửi.",
        "The room kept for a signature holds foreign data that no signature covers; fetch the file again.",
    ),
)
TRAILING = Message.of(
    "EDX-CMS-TRAILING",
    "warning",
    Text(
        "Ngoài chữ ký, tệp còn chứa dữ liệu lạ không được chữ ký nào bao trùm; lấy lại tệp từ nơi gửi.",
        "Beside the signature the file holds foreign bytes that no signature covers; fetch it again from its sender.",
    ),
)
TAIL = Message.of(
    "EDX-PDF-TAIL",
    "warning",
    Text(
        "Sau phần cuối của PDF còn dữ liệu lạ không được chữ ký nào bao trùm; lấy lại bản gốc từ nơi gửi.",
        "Foreign bytes stand after the end of the PDF, covered by no signature; fetch the original from its sender.",
    ),
)
CHANGED = Message.of(
    "EDX-PDF-CHANGED",
    "error",
    Text(
        "Sau chữ ký này, tệp bị sửa ngoài phạm vi cho phép; chỉ bản tại thời điểm ký là đáng tin.",
        "After this signature the file was changed beyond what it permits; only the signed revision can be relied on.",
    ),
)
APPENDED = Message.of(
    "EDX-PDF-APPENDED",
    "error",
    Text(
        "Phần nối vào tệp sau chữ ký này sai quy cách PDF: mỗi phần mềm có thể hiển thị một nội dung khác nhau. "
        "Chỉ bản tại thời điểm ký là đáng tin; lấy lại bản gốc từ nơi gửi.",
        "What was appended to the file after this signature is not well-formed PDF: each program may show something "
        "else. Only the signed revision can be relied on; fetch the original from its sender.",
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
ADDED = Message.of(
    "EDX-PDF-ADDED",
    "warning",
    Text(
        "Sau chữ ký này có nội dung được thêm lên trang; người ký sau, ký toàn bộ tệp, chịu trách nhiệm về phần thêm. "
        "So với bản tại thời điểm ký.",
        "After this signature content was added to the pages; the later signer, who signed the whole, answers for it. "
        "Compare with the revision that this one signed.",
    ),
)
ADDED_OTHERWISE = Message.of(
    "EDX-PDF-ADDED-OTHERWISE",
    "error",
    Text(
        "Sau chữ ký này có nội dung được thêm theo cách mà các phần mềm có thể đọc khác nhau; người ký sau ký toàn bộ "
        "tệp, nhưng không rõ người đó đã thấy gì. So với bản tại thời điểm ký, hoặc đề nghị bên gửi ký lại bản không "
        "có phần thêm đó.",
        "After this signature content was added in a way that programs may read differently; the later signer signed "
        "the whole, and what they saw is not certain. Compare with the revision that this one signed, or ask the "
        "sender to sign a file without that addition.",
    ),
)
UNCOVERED = Message.of(
    "EDX-PARTIAL-COVERAGE",
    "warning",
    Text(
        "Phần thêm vào sau chữ ký cuối cùng không được chữ ký nào bao trùm; hỏi lại bên gửi.",
        "What was added after the last signature is covered by none; ask the sender.",
    ),
)
MALFORMED_SIGNATURE = Message.of(
    "EDX-SIGNATURE-MALFORMED",
    "error",
    Text(
        "Chữ ký sai cấu trúc, không đọc được; đề nghị bên gửi ký lại.",
        "The signature is malformed and cannot be read; ask the sender to sign again.",
    ),
)
AROUND = Message.of(
    "EDX-PDF-DAMAGED-AROUND",
    "error",
    Text(
        "Phần đã ký còn nguyên nhưng phần còn lại của tệp bị hỏng; lấy lại tệp từ nơi gửi.",
        "The signed part is intact, but the rest of the file is damaged; fetch the file again.",
    ),
)
IRREGULAR = Message.of(
    "EDX-PDF-IRREGULAR",
    "error",
    Text(
        "Các byte của tệp đúng là những gì đã được ký, nhưng cấu trúc PDF hỏng: mỗi phần mềm có thể hiển thị một khác. "
        "Đề nghị bên gửi xuất lại PDF đúng chuẩn và ký lại.",
        "The file's bytes are exactly those that were signed, but the PDF's structure is broken: each program may show "
        "something else. Ask the sender for a sound PDF, signed anew.",
    ),
)
NO_CERTIFICATE = Message.of(
    "EDX-CERT-MISSING",
    "error",
    Text(
        "Chữ ký không kèm chứng thư của người ký; đưa chứng thư bằng --key hoặc --evidence.",
        "The signer's certificate does not come with the signature; give it with --key or --evidence.",
    ),
)
NOT_THE_CERTIFICATE = Message.of(
    "EDX-CERT-SUBSTITUTED",
    "error",
    Text(
        "Chứng thư đi kèm không phải chứng thư mà người ký đã ký tên vào; có thể bị thay thế.",
        "The certificate that came along is not the one the signer bound to the signature; it may be substituted.",
    ),
)
UNKNOWN_ALGORITHM = Message.of(
    "EDX-ALGORITHM-UNKNOWN",
    "error",
    Text(
        "Thuật toán của chữ ký không được hỗ trợ hoặc không được phép kết hợp như vậy.",
        "The signature's algorithm is unknown, or may not be combined like this.",
    ),
)
ENCAPSULATED = Message.of(
    "EDX-PDF-ENCAPSULATED",
    "error",
    Text(
        "Chữ ký PDF mang theo nội dung riêng, trong khi nó phải ký chính tệp này (ISO 32000-1 12.8.3.3).",
        "The PDF's signature carries content of its own where it must sign the file itself (ISO 32000-1 12.8.3.3).",
    ),
)
SUBFILTER = Message.of(
    "EDX-PDF-SUBFILTER",
    "error",
    Text(
        "Kiểu chữ ký trong PDF (SubFilter) không được hỗ trợ; đề nghị bên gửi ký kiểu PAdES.",
        "The kind of signature in the PDF (SubFilter) is not known; ask the sender for a PAdES signature.",
    ),
)
BUDGET = Message.of(
    "EDX-BUDGET",
    "warning",
    Text(
        "Tệp phức tạp quá mức nên dừng kiểm tra giữa chừng; chưa kết luận được. Hỏi lại bên gửi.",
        "The file is so complicated that checking stopped half-way; nothing can be concluded. Ask the sender.",
    ),
)
TOO_MANY = Message.of(
    "EDX-SIGNATURES-TOO-MANY",
    "warning",
    Text(
        "Tệp có quá nhiều chữ ký; phần vượt giới hạn chưa được kiểm tra.",
        "The file has too many signatures; those over the limit were not checked.",
    ),
)
STAMP_BAD = Message.of(
    "EDX-STAMP-INVALID",
    "warning",
    Text(
        "Dấu thời gian không hợp lệ nên không chứng minh được thời điểm ký.",
        "The timestamp is not valid, so it proves no time of signing.",
    ),
)
STAMP_UNTRUSTED = Message.of(
    "EDX-STAMP-UNTRUSTED",
    "warning",
    Text(
        "Dấu thời gian còn nguyên nhưng chưa biết tổ chức cấp có đáng tin không; thêm gốc của họ bằng --trust.",
        "The timestamp is intact, but its authority is not known to be trusted; name its root with --trust.",
    ),
)
STAMP_UNJUDGED = Message.of(
    "EDX-STAMP-UNJUDGED",
    "warning",
    Text(
        "Dấu thời gian lưu trữ có dạng cũ hoặc lạ mà edocx không kiểm tra được; nó không được dùng làm bằng chứng.",
        "An archive timestamp has an old or foreign form that edocx cannot check; it is not used as proof.",
    ),
)
STAMPED = Message.of(
    "EDX-STAMP-PROVES",
    "info",
    Text(
        "Dấu thời gian đáng tin chứng minh chữ ký đã có vào thời điểm ghi trên đó.",
        "A trusted timestamp proves that the signature existed at the time it names.",
    ),
)
HOURS_SHIFTED = Message.of(
    "EDX-TIME-SHIFTED",
    "info",
    Text(
        "Thời gian ký tự khai chênh đúng 7 giờ so với dấu thời gian: phần mềm đã ghi giờ Việt Nam như giờ UTC.",
        "The claimed signing time is 7 hours ahead of the timestamp: the software wrote Vietnam's time as UTC.",
    ),
)
REVOKED_LATER = Message.of(
    "EDX-CERT-REVOKED-LATER",
    "info",
    Text(
        "Chứng thư nay đã hết hạn hoặc bị thu hồi, nhưng dấu thời gian chứng minh chữ ký có trước đó.",
        "The certificate has expired or was revoked since, but a timestamp proves that the signature is older.",
    ),
)
KEY_GIVEN = Message.of(
    "EDX-KEY-GIVEN",
    "warning",
    Text(
        "Chỉ kiểm tra bằng khóa được đưa vào: không biết khóa đó của ai.",
        "Checked with the key that was given only: whose it is stays unknown.",
    ),
)
KEY_UNKNOWN = Message.of(
    "EDX-KEY-UNKNOWN",
    "error",
    Text(
        "Chữ ký chỉ kèm khóa, không kèm chứng thư: không biết ai ký. Đưa khóa hoặc chứng thư bằng --key.",
        "The signature carries a bare key and no certificate: nobody can say who signed. Give it with --key.",
    ),
)
