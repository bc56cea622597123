"""Text of strangers, made safe to show: a certificate must not be able to repaint the terminal that refuses it."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with every control, escape and direction character replaced by a mark.

    >>> printable("fine") == "fine", printable("a\\x1b[2Jb")
    (True, 'a�[2Jb')
    """
    return text if text.isprintable() else "".join(item if item.isprintable() else "�" for item in text)
