"""Photos or faces to label maps as a plain script does it: one image at a time, eager PyTorch, nothing kept.

    python benchmarks/plain_segment.py FACES OUT              aligned faces
    python benchmarks/plain_segment.py PHOTOS OUT --photos    finds and aligns them first, by the same detector

The bundled parser's own network and weights, on all cores, in float32. Prints seconds as a line of JSON: `start` until
the networks are loaded, `detection` of finding and aligning, `rest` of reading, parsing and writing.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from facesynth import weights
from facesynth.core.image_files import read_photo
from facesynth.inference import networks
from facesynth.inference.aligner import Aligner
from facesynth.models import imagenet
from facesynth.models.specs import ParserSpec


def plain_parser() -> tuple[int, nn.Module]:
    """The side of the pictures that the bundled parser takes, and its network."""
    path = weights.locate(weights.default_name("parser"))
    spec, network = networks.load(path, ("parser",), torch.device("cpu"))["parser"]
    assert isinstance(spec, ParserSpec)
    return spec.size, network.eval()


@torch.inference_mode()
def labels_of(face: Image.Image, side: int, network: nn.Module) -> Image.Image:
    """A face's label map at its own size."""
    small = face.resize((side, side), Image.Resampling.LANCZOS)
    x = torch.from_numpy(np.array(small)).permute(2, 0, 1)[None].float() / 255
    mean, deviation = (torch.tensor(each).view(1, 3, 1, 1) for each in (imagenet.MEAN, imagenet.STD))
    logits: Tensor = network((x - mean) / deviation)
    wide = F.interpolate(logits, (face.height, face.width), mode="bilinear", align_corners=False)
    return Image.fromarray(wide.argmax(1)[0].to(torch.uint8).numpy())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("images", type=Path)
    options.add_argument("out", type=Path)
    options.add_argument("--photos", action="store_true")
    chosen = options.parse_args()
    begun = time.perf_counter()
    side, network = plain_parser()
    aligner = Aligner.load("dlib") if chosen.photos else None
    chosen.out.mkdir()
    started = time.perf_counter()
    detection = 0.0
    for path in sorted(chosen.images.iterdir()):
        if aligner is None:
            faces = [Image.open(path).convert("RGB")]
        else:
            photo, before = read_photo(path), time.perf_counter()
            [found] = aligner([photo])
            detection += time.perf_counter() - before
            faces = [Image.fromarray(one.photo.pixels) for one in found]
        for number, face in enumerate(faces):
            name = f"{path.stem}_{number:02}.png" if len(faces) > 1 else f"{path.stem}.png"
            labels_of(face, side, network).save(chosen.out / name)
    ended = time.perf_counter()
    print(json.dumps({"start": started - begun, "detection": detection, "rest": ended - started - detection}))


if __name__ == "__main__":
    main()
