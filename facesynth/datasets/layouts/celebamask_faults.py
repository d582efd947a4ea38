"""What users found wrong in CelebAMask-HQ, by face; threads are those of github.com/switchablenorms/CelebAMask-HQ."""

from __future__ import annotations

_REPORTED: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("a part of the hair has no mask (thread 5)", (481, 4995, 17586)),
    ("the hat has no mask (thread 5)", (13008,)),
    ("the mask of the hair is too large (thread 5)", (1499, 2260, 2281, 5130, 5591, 5608, 10184)),
    ("a mask of a hat that is not there (thread 5)", (2905, 3137, 9895, 15587)),
    ("a mask of cloth that is not there (thread 5)", (9150,)),
    ("the masks are empty (thread 5)", (4790,)),
    ("the mask of the skin is another face's (thread 5)", (4995,)),
    ("skin between neck and shoulder has no mask (thread 48)", (573,)),
    ("the mask of the neck is wrong (thread 48)", (9852,)),
    ("Male is wrong among its attributes (thread 79)", (23, 29, 129, 323, 400)),
    ("mouth and lips have no mask (thread 84)", (404,)),
    ("the face is not aligned (thread 84)", (2110,)),
    ("half of the face is cut off (thread 109)", (70,)),
)
_SHOWN_TWICE = (234, 3329, 5162, 6770, 7384, 7561, 12444, 12885, 13825, 15506, 19199, 20134, 24646)
"""The same photo as the next number's (thread 84)."""


def reported_faults(number: int) -> tuple[str, ...]:
    """What is known to be wrong with a face; most have nothing."""
    faults = [f"reported by users: {fault}" for fault, numbers in _REPORTED if number in numbers]
    if number in _SHOWN_TWICE or number - 1 in _SHOWN_TWICE:
        faults.append("reported by users: the same photo as the neighbouring number's (thread 84)")
    return tuple(faults)
