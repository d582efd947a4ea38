"""The 19 CelebAMask-HQ classes, their colours, their mirror images, and the label map that is always valid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import LabelMapError, UsageError


class Label(IntEnum):
    """A class of a label map, in CelebAMask-HQ order; `L_`/`R_` are the subject's own left and right."""

    BACKGROUND = 0
    SKIN = 1
    NOSE = 2
    EYE_G = 3  # eyeglasses
    L_EYE = 4
    R_EYE = 5
    L_BROW = 6
    R_BROW = 7
    L_EAR = 8
    R_EAR = 9
    MOUTH = 10  # inner mouth
    U_LIP = 11
    L_LIP = 12  # the lower lip
    HAIR = 13
    HAT = 14
    EAR_R = 15  # an earring
    NECK_L = 16  # a necklace
    NECK = 17
    CLOTH = 18


NUM_LABELS = len(Label)
LABEL_NAMES: tuple[str, ...] = tuple(label.name.lower() for label in Label)
READABLE: tuple[str, ...] = (
    "background", "skin", "nose", "eyeglasses", "left eye", "right eye", "left brow", "right brow", "left ear",
    "right ear", "inner mouth", "upper lip", "lower lip", "hair", "hat", "earring", "necklace", "neck", "cloth",
)  # fmt: skip
"""The classes in words, by label; left and right are the subject's."""

FLIP_PAIRS: tuple[tuple[Label, Label], ...] = (
    (Label.L_EYE, Label.R_EYE),
    (Label.L_BROW, Label.R_BROW),
    (Label.L_EAR, Label.R_EAR),
)


def _frozen(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    array.setflags(write=False)
    return array


def _flip_table() -> NDArray[np.uint8]:
    table = np.arange(NUM_LABELS, dtype=np.uint8)
    for left, right in FLIP_PAIRS:
        table[left], table[right] = right, left
    return _frozen(table)


FLIP_TABLE: NDArray[np.uint8] = _flip_table()
"""The label that each label becomes in a mirror: 19 uint8."""

PALETTE: NDArray[np.uint8] = _frozen(
    np.array(
        [
            (0, 0, 0),
            (204, 0, 0),
            (76, 153, 0),
            (204, 204, 0),
            (51, 51, 255),
            (204, 0, 204),
            (0, 255, 255),
            (255, 204, 204),
            (102, 51, 0),
            (255, 0, 0),
            (102, 204, 0),
            (255, 255, 0),
            (0, 0, 153),
            (0, 0, 204),
            (255, 51, 153),
            (0, 204, 204),
            (0, 51, 0),
            (255, 153, 51),
            (0, 204, 0),
        ],
        dtype=np.uint8,
    )
)
"""The colours of CelebAMask-HQ's own visualisation, 19×3 uint8, sRGB."""


@dataclass(frozen=True, slots=True)
class LabelSchema:
    """A named order of the same 19 classes: `order[i]` is the class that id `i` stands for in it."""

    name: str
    order: tuple[Label, ...]

    def __post_init__(self) -> None:
        if sorted(self.order) != list(Label):
            raise ValueError(f"schema {self.name} must name each of the {NUM_LABELS} labels once")

    @property
    def to_standard(self) -> NDArray[np.uint8]:
        """19 uint8: this schema's id → CelebAMask-HQ id."""
        return np.array(self.order, dtype=np.uint8)

    @property
    def from_standard(self) -> NDArray[np.uint8]:
        """19 uint8: CelebAMask-HQ id → this schema's id."""
        return np.argsort(self.to_standard).astype(np.uint8)


STANDARD = "celebamask-hq"


def _schema(name: str, order: str) -> tuple[str, LabelSchema]:
    return name, LabelSchema(name, tuple(Label[word.upper()] for word in order.split()))


SCHEMAS: Mapping[str, LabelSchema] = MappingProxyType(
    dict(
        (
            (STANDARD, LabelSchema(STANDARD, tuple(Label))),
            # zllrunning/face-parsing.PyTorch and what descends from it; its l_/r_ agree with CelebAMask-HQ's.
            _schema(
                "zllrunning",
                "background skin l_brow r_brow l_eye r_eye eye_g l_ear r_ear ear_r nose mouth u_lip l_lip"
                " neck neck_l cloth hair hat",
            ),
            # facer's celebm/448: `rr` is loaded from the file l_ear, `rb` from l_brow, `re` from l_eye.
            _schema(
                "facer",
                "background neck skin cloth l_ear r_ear l_brow r_brow l_eye r_eye nose mouth l_lip u_lip"
                " hair eye_g hat ear_r neck_l",
            ),
            _schema(
                "segface",
                "background neck skin cloth l_ear r_ear l_brow r_brow l_eye r_eye nose mouth l_lip u_lip"
                " hair eye_g hat ear_r neck_l",
            ),
        )
    )
)
"""The four orders in circulation. facer and SegFace share an order of classes and differ in what they call left."""


def schema_named(name: str) -> LabelSchema:
    """Return the schema of that name; UsageError lists the known ones."""
    try:
        return SCHEMAS[name]
    except KeyError:
        raise UsageError(f"unknown label schema {name!r}", hint=f"use one of: {', '.join(SCHEMAS)}") from None


@dataclass(frozen=True, slots=True, eq=False)
class LabelMap:
    """A label map of a face: `ids` is H×W uint8, each 0..18 in CelebAMask-HQ order, read-only.

    Raises LabelMapError that names the first wrong pixel. The array is copied unless it is read-only and owns its data.
    """

    ids: NDArray[np.uint8]

    def __post_init__(self) -> None:
        ids: NDArray[Any] = np.asarray(self.ids)
        if ids.ndim != 2 or ids.size == 0:
            raise LabelMapError(f"a label map is H×W, this array has shape {ids.shape}")
        if not np.issubdtype(ids.dtype, np.integer):
            raise LabelMapError(f"a label map holds integers, this array holds {ids.dtype}")
        wrong = (ids < 0) | (ids >= NUM_LABELS)
        if wrong.any():
            y, x = np.argwhere(wrong)[0]
            raise LabelMapError(
                f"pixel (x={x}, y={y}) holds {ids[y, x]}, labels are 0 to {NUM_LABELS - 1}",
                hint="if 255 marks foreground or 'ignore', convert the map first",
            )
        # A read-only view may have a writeable owner, who could change the map later: base tells.
        if ids.flags.writeable or ids.base is not None or ids.dtype != np.uint8 or not ids.flags.c_contiguous:
            ids = np.array(ids, dtype=np.uint8, order="C")
            ids.setflags(write=False)
        object.__setattr__(self, "ids", ids)

    def __reduce__(self) -> tuple[object, ...]:
        # numpy forgets read-only when it pickles; going through the constructor sets it again.
        return LabelMap, (self.ids,)

    @classmethod
    def from_ids(cls, ids: NDArray[Any], schema: str = STANDARD) -> LabelMap:
        """Make a label map from ids in a named schema's order."""
        checked = cls(ids)
        return checked if schema == STANDARD else cls(_frozen(schema_named(schema).to_standard[checked.ids]))

    def to_ids(self, schema: str = STANDARD) -> NDArray[np.uint8]:
        """Return H×W uint8 ids in a named schema's order."""
        return self.ids if schema == STANDARD else schema_named(schema).from_standard[self.ids]

    @property
    def height(self) -> int:
        return int(self.ids.shape[0])

    @property
    def width(self) -> int:
        return int(self.ids.shape[1])

    def flip(self) -> LabelMap:
        """Mirror left and right; l_/r_ eyes, brows and ears change places, nothing else does."""
        return LabelMap(_frozen(np.ascontiguousarray(FLIP_TABLE[self.ids[:, ::-1]])))

    def resized(self, width: int, height: int) -> LabelMap:
        """Return the map at another size: the label under the centre of each new pixel (nearest)."""
        if (width, height) == (self.width, self.height):
            return self
        rows = ((np.arange(height) + 0.5) * self.height / height).astype(np.intp)
        columns = ((np.arange(width) + 0.5) * self.width / width).astype(np.intp)
        return LabelMap(_frozen(np.ascontiguousarray(self.ids[rows[:, None], columns[None, :]])))

    def colours(self) -> NDArray[np.uint8]:
        """Return H×W×3 uint8 in the palette's colours."""
        return PALETTE[self.ids]

    def frequencies(self) -> NDArray[np.int64]:
        """Return the number of pixels of each label: 19 int64."""
        return np.bincount(self.ids.ravel(), minlength=NUM_LABELS).astype(np.int64)
