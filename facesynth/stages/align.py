"""The stage that turns a photo into its aligned faces."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from facesynth.core.faces import Face, Landmarks, Similarity
from facesynth.core.image_files import decode_photo, encode_png
from facesynth.core.images import Photo
from facesynth.core.refs import Digest, Outcome, Rejected, sha256_bytes
from facesynth.inference.aligner import Aligner, check_options
from facesynth.inference.landmarks.choice import choose_detector, detector_weights

_FACE_FILE = re.compile(r"face_(\d\d+)\.png")


class FacesCodec:
    """A photo's faces as `face_00.png`, `face_01.png`, … and `landmarks.json`, which tells of each where it came from.

    `landmarks.json` is the main file. It holds the sha256 of every face, so its own stands for all of them.
    """

    main: ClassVar[str] = "landmarks.json"

    def write(self, value: tuple[Face, ...]) -> Mapping[str, bytes]:
        files = {f"face_{index:02}.png": encode_png(face.photo) for index, face in enumerate(value)}
        rows = [
            {
                "file": name,
                "sha256": sha256_bytes(data),
                "score": face.score,
                "to_source": None if face.to_source is None else face.to_source.matrix.tolist(),
                "landmarks": None if face.landmarks is None else face.landmarks.points.tolist(),
            }
            for (name, data), face in zip(files.items(), value, strict=True)
        ]
        return {**files, self.main: (json.dumps({"faces": rows}, indent=1) + "\n").encode()}

    def read(self, folder: Path) -> tuple[Face, ...]:
        return tuple(self._face(folder, row) for row in self._rows(folder))

    def parts(self, names: Iterable[str]) -> Sequence[str]:
        """The faces among an artifact's files, in order."""
        numbered = [(int(match[1]), name) for name in names if (match := _FACE_FILE.fullmatch(name))]
        return [name for _, name in sorted(numbered)]

    def read_part(self, folder: Path, index: int) -> Face:
        """One face alone."""
        return self._face(folder, self._rows(folder)[index])

    def _rows(self, folder: Path) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads((folder / self.main).read_text(encoding="utf-8"))["faces"]
        return rows

    def _face(self, folder: Path, row: Mapping[str, Any]) -> Face:
        path = folder / row["file"]
        return Face(
            decode_photo(path.read_bytes(), str(path)),
            None if row["landmarks"] is None else Landmarks(row["landmarks"]),
            None if row["to_source"] is None else Similarity(row["to_source"]),
            row["score"],
        )


@dataclass(slots=True)
class AlignStage:
    """Photo → its faces, or Rejected("no face found"). The options are Aligner's.

    `landmarks` (`auto|face-alignment|dlib`) is settled when the stage is made; `detector` tells the choice.
    """

    name: ClassVar[str] = "align"
    version: ClassVar[int] = 1

    size: int = 512
    frame: str = "ffhq"
    faces: str = "all"
    landmarks: str = "auto"
    device: str = "auto"
    detector: str = field(init=False)
    _aligner: Aligner | None = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        check_options(self.size, self.frame, self.faces)
        self.landmarks = self.detector = choose_detector(self.landmarks)

    @property
    def config(self) -> Mapping[str, object]:
        return MappingProxyType(
            {"size": self.size, "frame": self.frame, "faces": self.faces, "landmarks": self.detector}
        )

    @property
    def weights(self) -> Mapping[str, Digest]:
        return detector_weights(self.detector)

    @property
    def codec(self) -> FacesCodec:
        return FacesCodec()

    def __call__(self, batch: Sequence[Photo]) -> list[Outcome[tuple[Face, ...]]]:
        if self._aligner is None:
            self._aligner = Aligner.load(
                self.detector, size=self.size, frame=self.frame, faces=self.faces, device=self.device
            )
        return [tuple(faces) if faces else Rejected("no face found") for faces in self._aligner(batch)]
