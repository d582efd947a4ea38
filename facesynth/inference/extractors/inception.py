"""Pictures to the features that FID, KID and Inception Score are made of."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from facesynth.core.errors import DependencyMissing, WeightsDamaged
from facesynth.core.images import Photo
from facesynth.core.refs import Digest
from facesynth.inference.device import resolve_batch_size, resolve_device
from facesynth.inference.extractors.features import PictureFeatures
from facesynth.inference.extractors.precision import full_float32
from facesynth.inference.extractors.reading import batches, padded, published_state
from facesynth.inference.finite import finite

WEIGHTS = "inception-fid"


class InceptionFeatures:
    """TensorFlow's InceptionV3 of 2015-12-05 as torch-fidelity ports it: 2048 pooled features and 1008 logits.

    Pictures go in as uint8 at their own size, and are resized to 299×299 as TensorFlow 1 does it (bilinear, without
    antialiasing). The logits are without the bias, as the original Inception Score takes them. Always in
    float32, TF32 never.
    """

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        """`network` turns M×3×H×W uint8 into M×2048 and M×1008 float32."""
        self.network, self.device = network, device

    @classmethod
    def load(
        cls, name: str | Path | None = None, *, device: str = "auto", sha256: Digest | None = None
    ) -> InceptionFeatures:
        """Load the weights of a name or file (default: `inception-fid`); never fetches them.

        Raises DependencyMissing, WeightsMissing, WeightsDamaged, and WeightsError where the file is not of `sha256`.
        """
        try:
            from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
        except ImportError as error:
            raise DependencyMissing("torch-fidelity", "metrics") from error
        where = resolve_device(device)
        path, state = published_state(name or WEIGHTS, sha256)
        # torch-fidelity unpickles whatever it is given: so it gets what was read with weights_only, written anew.
        clean = io.BytesIO()
        torch.save(state, clean)
        clean.seek(0)
        try:
            network = FeatureExtractorInceptionV3(
                "inception-v3", ["2048", "logits_unbiased"], feature_extractor_weights_path=clean
            )
        except RuntimeError as error:
            what = "these are not the weights of torch-fidelity's InceptionV3"
            raise WeightsDamaged(what, where=path, hint="run: facesynth weights fetch inception-fid") from error
        return cls(network.to(where), where)

    @full_float32()
    @torch.inference_mode()
    def __call__(self, pictures: Sequence[Photo], *, batch_size: int | None = None) -> list[PictureFeatures]:
        """Return one description a picture. Raises FacesynthError where the network answers with no numbers."""
        size = resolve_batch_size(batch_size, self.device)
        found: list[PictureFeatures | None] = [None] * len(pictures)
        for rows, pixels in batches(pictures, size):
            answers = self.network(padded(pixels, size).to(self.device))
            features, logits = (finite(each[: len(rows)].float(), "Inception").cpu().numpy() for each in answers)
            for row, one, other in zip(rows, features, logits, strict=True):
                found[row] = PictureFeatures(one.copy(), other.copy())
        return [each for each in found if each is not None]
