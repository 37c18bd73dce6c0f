"""Error codes, and how a message carries one."""

from __future__ import annotations

from pyvidu.protocol.codes import Code, code_in


def test_error_texts_end_with_their_code() -> None:
    text = Code.RECONNECTION.text("reconnection error.")
    assert text == "reconnection error. Code: 40007"
    assert code_in(text) == 40007
    assert code_in("no code here") is None
    assert code_in(". Code: " + "9" * 5000) is None
