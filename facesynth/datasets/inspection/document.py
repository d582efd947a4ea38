"""An inspection as JSON, for machines: everything that was counted, every fault, every group of duplicates."""

from __future__ import annotations

import json
from typing import Any

from facesynth.core.labels import LABEL_NAMES
from facesynth.datasets.inspection.census import Side, Size
from facesynth.datasets.inspection.duplicates import MAX_DISTANCE, MIN_LIKENESS
from facesynth.datasets.inspection.inspect import Division, DuplicateFaces, Inspection

FORMAT = "facesynth-inspection-1"
MARK = f'"format": "{FORMAT}"'
"""What the beginning of every such document holds, and of no other file."""


def inspection_json(inspection: Inspection) -> str:
    """The inspection as a JSON document: `counts`, `sizes`, `classes`, `splits`, `problems`, `duplicates` (null where
    nobody looked for them). Shares are from 0 to 1, sizes in pixels, names that are not valid Unicode are escaped.
    """
    document = {
        "format": FORMAT,
        "name": inspection.name,
        "path": str(inspection.path),
        "kind": inspection.kind,
        "counts": {
            "images": inspection.images,
            "label_maps": inspection.label_maps,
            "pairs": inspection.pairs,
            "identities": inspection.identities,
            "problems": len(inspection.faults),
            "not_square": inspection.not_square,
            "label_maps_of_another_size": inspection.scaled,
        },
        "sizes": {"images": _sizes(inspection.sizes), "label_maps": _sizes(inspection.label_sizes)},
        "classes": [
            {
                "id": number,
                "name": use.name,
                "pixels": use.pixels,
                "pixel_share": round(use.pixel_share, 6),
                "faces": use.faces,
                "face_share": round(use.face_share, 6),
            }
            for number, use in enumerate(inspection.classes)
        ],
        "splits": [_division(division, inspection) for division in inspection.divisions],
        "problems": [
            {"kind": kind, "file": str(fault.file), "what": fault.what}
            for kind, faults in inspection.faults_by_kind().items()
            for fault in faults
        ],
        "duplicates": _duplicates(inspection),
        "seconds": round(inspection.seconds, 1),
    }
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _sizes(sizes: tuple[tuple[Size, int], ...]) -> list[dict[str, int]]:
    return [{"width": width, "height": height, "count": count} for (width, height), count in sizes]


def _division(division: Division, inspection: Inspection) -> dict[str, Any]:
    return {
        "name": division.name,
        "sides": {name: _side(side) for name, side in division.sides.items()},
        "images_outside": division.outside,
        "names_without_a_face": division.missing,
        "unknown_sides": list(division.unknown_sides),
        "identities_on_several_sides": division.shared_identities,
        "duplicates_across_sides": inspection.leaks(division.name) if inspection.duplicates is not None else None,
    }


def _side(side: Side) -> dict[str, Any]:
    faces = dict(zip(LABEL_NAMES, side.faces_with.tolist(), strict=True))
    return {"images": side.images, "pairs": side.pairs, "faces_with": faces}


def _duplicates(inspection: Inspection) -> dict[str, Any] | None:
    if inspection.duplicates is None:
        return None
    return {
        "method": f"sha256, and 64 signs of the DCT within {MAX_DISTANCE} bits with a correlation of {MIN_LIKENESS}",
        "complete": inspection.searched_all,
        "groups": [_group(group) for group in inspection.duplicates],
    }


def _group(group: DuplicateFaces) -> dict[str, Any]:
    copies = [
        {
            "name": copy.name,
            "image": str(copy.image),
            "split": dict(copy.sides),
            "relation": copy.relation,
            "likeness": round(copy.likeness, 4),
        }
        for copy in group.copies
    ]
    return {"relation": group.relation, "across": list(group.across), "copies": copies}
