"""The choice among a generator's engines."""

from __future__ import annotations

import torch

from facesynth.inference.painting.compiled import compiled_painting
from facesynth.inference.painting.graph_engines import onnx_painting, openvino_painting
from facesynth.inference.painting.seam import PROGRAMS, PictureAgreement, example
from facesynth.inference.patterns.painter import PatternPainter
from facesynth.models.generator import SpadeGenerator


def pattern_painter(engine: str, generator: SpadeGenerator, dtype: torch.dtype, where: str | None) -> PatternPainter:
    """What paints by label patterns on a CPU, with the engine `eager`, `compile`, `onnx` or `openvino`.

    All but eager are compared with the generator's own layers first, in float32 and in the precision asked for.
    Raises DependencyMissing, UsageError, DeviceError where an engine cannot work here, WeightsError where it paints
    something else. `where` names the weights in errors.
    """
    if engine == "eager":
        return PatternPainter(generator, dtype)
    shown = example(generator)

    def checked(precision: torch.dtype) -> PatternPainter:
        if engine == "compile":
            made = compiled_painting(generator, precision)
        elif engine == "onnx":
            made = onnx_painting(generator, precision, shown, where)
        else:
            made = openvino_painting(generator, precision, shown, where)
        painter = PatternPainter(generator, precision, engine=made)
        picture = painter(shown.ids, shown.style, shown.noise)
        PictureAgreement.of(picture, shown.picture).require(PROGRAMS[engine], precision, where)
        painter.kept.clear()  # nobody paints that label map
        return painter

    # bf16's own difference tells a wrong program from a right one, but not one that is a little wrong.
    if engine == "openvino" and dtype == torch.bfloat16:
        checked(torch.float32)
    return checked(dtype)
