"""Names of files as they can be printed: a name may hold line feeds, escape codes, and bytes that are not Unicode."""

from __future__ import annotations


def one_line(text: object) -> str:
    r"""The words of a value with all that cannot be printed escaped: `a\nb.png`."""
    words = str(text)
    if words.isprintable():
        return words
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in words)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
