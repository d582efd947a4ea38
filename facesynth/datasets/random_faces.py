"""Photos of people who do not exist, FFHQ-framed, from MobileStyleGAN (Belousov 2021, arXiv:2104.04767) in OpenVINO."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facesynth import weights
from facesynth.core.errors import DependencyMissing, ImageError, OutputError, UsageError, WeightsMissing
from facesynth.core.files import read_file, replacing
from facesynth.core.image_files import SYNTHETIC_TEXT, encode_png, load_image
from facesynth.core.images import Photo
from facesynth.inference.engines.openvino_library import openvino_library

FULL_SIZE = 1024
CODE_SIZE = 512
INSTALL = 'run: pip install "facesynth[synthetic]" && pip install --no-deps random-face==2021.7.21.1'
ImageFormat = Literal["png", "jpeg"]
SUFFIXES: Mapping[ImageFormat, str] = {"png": ".png", "jpeg": ".jpg"}


class RandomFaces:
    """The generator: a seed in, a 1024×1024 photo out."""

    def __init__(self, mapping: Any, synthesis: Any) -> None:
        """Take two callables, noise (1×512) → style (1×512) → image (1×3×1024×1024 in [-1, 1], RGB), all float32."""
        self._mapping = mapping
        self._synthesis = synthesis
        # Truncation pulls towards the mean style (StyleGAN, appendix B), which is estimated the same way each time.
        draws = np.random.default_rng(0).standard_normal((4096, CODE_SIZE)).astype(np.float32)
        self._mean: NDArray[np.float32] = np.mean([self._style(draw[None]) for draw in draws], axis=0)

    @classmethod
    def load(cls) -> RandomFaces:
        """Load the networks that the package random-face carries. DependencyMissing names what to install."""
        names = ("random-face-mapping-bin", "random-face-synthesis-bin")  # OpenVINO finds each beside its .xml
        try:
            for name in names:
                weights.locate(name)
            mapping, synthesis = (weights.locate(name.replace("-bin", "-xml")) for name in names)
        except WeightsMissing as error:
            raise _missing("random-face") from error
        try:
            core = openvino_library().Core()
        except DependencyMissing as error:
            raise _missing("openvino") from error
        # OpenVINO would choose bfloat16 where the CPU has it: then a seed's face would depend on the machine.
        precise = {"INFERENCE_PRECISION_HINT": "f32"}
        compiled = [core.compile_model(str(path), "CPU", precise) for path in (mapping, synthesis)]
        return cls(*compiled)

    def __call__(self, seed: int, truncation: float = 0.7) -> Photo:
        """Draw the person of a seed (≥ 0); truncation from 0, the mean face, to 1, the most varied and least clean."""
        noise = np.random.default_rng(seed).standard_normal((1, CODE_SIZE)).astype(np.float32)
        style = self._mean + np.float32(truncation) * (self._style(noise) - self._mean)
        image = np.asarray(self._synthesis([style])[0][0])
        return Photo(np.clip(np.rint((image + 1) * 127.5), 0, 255).astype(np.uint8).transpose(1, 2, 0))

    def _style(self, noise: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(self._mapping([noise])[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomFacesPlan:
    """Which faces to write: sample i has seed `seed + i`, so that a larger count only adds files. Raises UsageError."""

    count: int
    seed: int = 0
    size: int = FULL_SIZE
    truncation: float = 0.7
    format: ImageFormat = "png"
    quality: int = 92

    def __post_init__(self) -> None:
        if self.count < 1 or self.seed < 0:
            raise UsageError(f"{self.count} faces from seed {self.seed}", hint="count is at least 1, seed at least 0")
        if not 16 <= self.size <= FULL_SIZE:
            raise UsageError(f"size {self.size} is not in 16..{FULL_SIZE}")
        if not 0 <= self.truncation <= 1:
            raise UsageError(f"truncation {self.truncation} is not in 0..1")

    def path(self, folder: Path, seed: int) -> Path:
        """Where the face of a seed is written."""
        return folder / f"{seed:08d}{SUFFIXES[self.format]}"

    def source(self, seed: int) -> str:
        """What the file says of its making; two files that say the same hold the same face."""
        return f"random-face 2021.7.21.1, seed {seed}, truncation {self.truncation:g}"


def write_random_faces(
    folder: Path,
    plan: RandomFacesPlan,
    *,
    load: Callable[[], RandomFaces] | None = None,
    on_face: Callable[[Path, bool], None] = lambda path, made: None,
) -> int:
    """Write a plan's faces into `folder` and return how many were made; those that lie there whole are left alone.

    `on_face(path, made)` hears of each, in order. The networks are loaded at the first face that must be made. Raises
    DependencyMissing, and OutputError where a name is taken by another image.
    """
    draw: RandomFaces | None = None
    made = 0
    for seed in range(plan.seed, plan.seed + plan.count):
        path = plan.path(folder, seed)
        if _is_there(path, plan, seed):
            on_face(path, False)
            continue
        draw = draw or (load or RandomFaces.load)()
        face = _encode(draw(seed, plan.truncation), plan, seed)
        with replacing(path) as draft:
            draft.write_bytes(face)
        made += 1
        on_face(path, True)
    return made


def _encode(photo: Photo, plan: RandomFacesPlan, seed: int) -> bytes:
    """Shrink by area and encode, saying in the file that nobody is shown."""
    image = Image.fromarray(photo.pixels)
    if plan.size != FULL_SIZE:
        image = image.resize((plan.size, plan.size), Image.Resampling.BOX)
    text = {**SYNTHETIC_TEXT, "Source": plan.source(seed)}
    if plan.format == "png":
        return encode_png(Photo(np.asarray(image)), text)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=plan.quality, comment="\n".join(f"{key}: {text[key]}" for key in sorted(text)))
    return stream.getvalue()


def _is_there(path: Path, plan: RandomFacesPlan, seed: int) -> bool:
    """Whether the face lies there whole. A damaged file is not there; another image in its place is an OutputError."""
    if not path.exists():
        return False
    try:
        image = load_image(read_file(path), str(path))
    except ImageError:
        return False
    told = image.info.get("Source") or image.info.get("comment") or b""
    said = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
    if image.size == (plan.size, plan.size) and said.split("Source: ")[-1].split("\n")[0] == plan.source(seed):
        return True
    raise OutputError("another image is there", where=path, hint="give an empty folder, or the settings of that image")


def _missing(package: str) -> DependencyMissing:
    error = DependencyMissing(package, "synthetic")
    error.hint = INSTALL  # the extra alone does not bring random-face, whose own requirements contradict ours
    return error
