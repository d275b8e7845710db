"""What is said where a policy's rule is not met, each sentence once."""

from __future__ import annotations

from typing import Literal, NamedTuple

from edocx.errors import Text
from edocx.signing.parts import name_parts
from edocx.signing.report import Message


class Said(NamedTuple):
    """A code and its sentences, before anybody knows where it applies."""

    code: str
    text: Text


def message(pair: Said, where: str | None, severity: Literal["error", "warning"] = "error") -> Message:
    """Make the message of a code and its sentences."""
    return Message.of(pair.code, severity, pair.text, where)


NO_SEAL = Said(
    "EDX-POLICY-NO-SEAL",
    Text(
        "Chưa có chữ ký số hợp lệ của cơ quan ban hành theo sổ đăng ký; hỏi lại bên gửi hoặc bổ sung sổ đăng ký.",
        "No valid seal of an agency in the registry; ask the sender, or complete the registry.",
    ),
)
NO_PERSON = Said(
    "EDX-POLICY-NO-PERSON",
    Text(
        "Chưa có chữ ký số hợp lệ của người có thẩm quyền theo sổ đăng ký; hỏi lại bên gửi hoặc bổ sung sổ đăng ký.",
        "No valid signature of a person in the registry; ask the sender, or complete the registry.",
    ),
)
NO_DOCUMENT = Said(
    "EDX-POLICY-NO-DOCUMENT",
    Text(
        "Phong bì không chứa văn bản PDF nào để xét chữ ký của người có thẩm quyền và cơ quan; hỏi lại bên gửi.",
        "The envelope holds no PDF whose signatures of person and agency could be looked at; ask the sender.",
    ),
)
NO_RULE = Said(
    "EDX-POLICY-EMPTY",
    Text(
        "Chính sách đòi một trong số không quy tắc nào: không gì thỏa mãn được; sửa tệp chính sách.",
        "The policy asks for one of no rules, which nothing can meet; correct the policy's file.",
    ),
)
SEAL_ALONE = Said(
    "EDX-POLICY-ORDER",
    Text(
        "Chữ ký của cơ quan không đứng sau chữ ký của người có thẩm quyền của chính cơ quan đó (NĐ 30/2020).",
        "The agency's seal does not stand on an earlier signature of one of its own persons (NĐ 30/2020).",
    ),
)
NOT_AUTHORISED = Said(
    "EDX-POLICY-NOT-AUTHORISED",
    Text(
        "Theo sổ đăng ký, không chứng minh được người ký có thẩm quyền ký loại văn bản này vào lúc ký (NĐ 30/2020 Điều "
        "13); xem văn bản giao quyền, bổ sung sổ đăng ký hoặc dấu thời gian.",
        "By the registry nothing shows that whoever signed had the right to sign such a document then (NĐ 30/2020 Điều "
        "13); look at the delegation, and complete the registry or add a timestamp.",
    ),
)
NOT_THERE = Said(
    "EDX-POLICY-UNIT-CLOSED",
    Text(
        "Theo danh mục, cơ quan ký không tồn tại vào ngày ký (chưa thành lập hoặc đã giải thể, sáp nhập); hỏi lại bên "
        "gửi.",
        "By the directory the unit that signed did not exist on the day of signing (not founded yet, dissolved or "
        "merged); ask the sender.",
    ),
)
GONE_SINCE = Said(
    "EDX-POLICY-UNIT-GONE",
    Text(
        "Cơ quan ký nay đã giải thể hoặc sáp nhập, và không có dấu thời gian hay biên nhận nào chứng minh chữ ký có "
        "trước đó; hỏi cơ quan kế thừa, hoặc đưa biên nhận.",
        "The unit that signed has been dissolved or merged since, and no timestamp or receipt proves that the "
        "signature is older; ask its successor, or give a receipt.",
    ),
)
UNKNOWN_UNIT = Said(
    "EDX-UNIT-UNLISTED",
    Text(
        "Danh mục không có cơ quan này nên không biết cơ quan có tồn tại vào ngày ký hay không; bổ sung danh mục.",
        "The directory does not know this unit, so nobody can say whether it existed on that day; complete it.",
    ),
)
NO_DIRECTORY = Said(
    "EDX-UNIT-UNCHECKED",
    Text(
        "Không có danh mục cơ quan nên chưa xét cơ quan ký có tồn tại vào ngày ký hay không.",
        "There is no directory of units at hand; whether the units existed on the day of signing was not looked at.",
    ),
)
SENDER = Said(
    "EDX-POLICY-SENDER",
    Text(
        "Nơi gửi ghi trên phong bì không phải cơ quan đã đóng dấu phong bì; hỏi lại bên gửi qua kênh khác.",
        "The sender named in the envelope is not the unit that sealed it; ask that unit by another way.",
    ),
)
ISSUER = Said(
    "EDX-POLICY-ISSUER",
    Text(
        "Cơ quan gửi phong bì không phải cơ quan ban hành đã đóng dấu văn bản; hỏi lại bên gửi.",
        "The unit that sends the envelope is none of those that sealed the document; ask the sender.",
    ),
)
NO_TIME = Said(
    "EDX-POLICY-NO-TIMESTAMP",
    Text(
        "Chữ ký không có dấu thời gian đáng tin; đề nghị bên gửi bổ sung dấu thời gian.",
        "The signature has no trusted timestamp; ask the sender to add one.",
    ),
)
UNIT_CLAIMED = Said(
    "EDX-POLICY-UNIT-CLAIMED",
    Text(
        "Chữ ký này không được tính cho cơ quan nào: theo sổ đăng ký, chứng thư thuộc cơ quan khác nhau vào thời gian "
        "ký tự khai và vào lúc xét. Chỉ dấu thời gian hoặc biên nhận mới chứng minh được; hỏi lại bên gửi.",
        "This signature counts for no unit: by the registry its certificate belongs to one unit at the claimed signing "
        "time and to another, or none, at the moment judged for. Only a time-stamp or a receipt could prove which; "
        "ask the sender.",
    ),
)


def unmet_object(name: str) -> Message:
    """Say that one content of several is not signed as the policy asks."""
    named = name_parts((name,))
    return message(
        Said(
            "EDX-POLICY-OBJECT",
            Text(
                f"“{named.vi}” không được ký đủ theo chính sách; chữ ký trên nội dung khác trong cùng tệp không tính "
                "cho nó. Xem từng chữ ký đã ký phần nào, và đề nghị bên gửi ký đủ trên chính nội dung này.",
                f"“{named.en}” is not signed as the policy asks; signatures over other content in the same file do not "
                "count for it. Look at what each signature is over, and ask the sender for all of them over this.",
            ),
        ),
        name[:200],
    )


def left_outside(place: str) -> Message:
    """Say that something stands in an XML document outside of what the signatures that count are over."""
    shown = place[:200]
    return message(
        Said(
            "EDX-POLICY-OUTSIDE",
            Text(
                f"“{shown}” nằm ngoài nội dung mà các chữ ký được tính đã ký, dù người khác có thể đã ký nó; đừng coi "
                "nó là của cơ quan ban hành. Đề nghị bên gửi gửi lại bản chỉ gồm phần đã ký.",
                f"“{shown}” stands outside of what the signatures that count are over, even if somebody else signed "
                "it; do not take it for the issuing agency's. Ask the sender for a file of what was signed alone.",
            ),
        ),
        shown,
    )
