"""The parser's training step: class-balanced cross-entropy and soft Dice, and what it takes to resume it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from facesynth.core.images import Photo
from facesynth.core.labels import NUM_LABELS, LabelMap
from facesynth.core.sheets import contact_sheet
from facesynth.datasets.packed import PackedPairs
from facesynth.inference.parser import Parser, normalised
from facesynth.metrics.segmentation import ConfusionMatrix
from facesynth.models.parser import ParserNet
from facesynth.training.augment import augment
from facesynth.training.data import HeldOut
from facesynth.training.ema import Ema
from facesynth.training.feeding import Feeder
from facesynth.training.runs import ParserRun
from facesynth.training.sampling import ShuffledOrder, generator_at, repeated_for_rare

_SHOWN = 6


class ParserJob:
    """Trains a parser on packed pairs; judged on held-out faces at their full size."""

    def __init__(
        self,
        config: ParserRun,
        network: ParserNet,
        pairs: PackedPairs,
        held_out: HeldOut,
        fabric: Fabric,
    ) -> None:
        self.config, self.pairs, self.held_out, self.fabric = config, pairs, held_out, fabric
        rare = config.rare_repeat
        items = repeated_for_rare(pairs.labels, rare, config.seed) if rare else len(pairs)
        self.feed = Feeder(pairs, ShuffledOrder(items, config.seed), config.batch_size, fabric.device)
        groups = [
            {"params": list(network.trunk.parameters()), "peak": config.trunk_learning_rate},
            {
                "params": [p for n, p in network.named_parameters() if not n.startswith("trunk.")],
                "peak": config.learning_rate,
            },
        ]
        optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=config.weight_decay)
        self.balance = _class_weights(pairs.labels, config.class_balance).to(fabric.device)
        network = network.to(memory_format=torch.channels_last)
        self.network, self.optimizer = fabric.setup(network, optimizer)
        self.ema = Ema(network, config.ema_half_life)

    def step(self, nimg: int) -> Mapping[str, Tensor]:
        """One AdamW step on the batch that starts at image `nimg`."""
        config = self.config
        images, labels = self.feed(nimg)
        generator = generator_at(config.seed, nimg)
        size = config.parser.size
        images, labels = augment(images, labels, config.augment, generator, size=size, label_size=size // 2)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * self._pace(nimg)
        self.network.train()
        logits = self.network(normalised(images).contiguous(memory_format=torch.channels_last)).float()
        entropy = F.cross_entropy(logits, labels, weight=self.balance)
        dice = soft_dice(logits, labels)
        self.optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(entropy + config.dice * dice)
        self.optimizer.step()
        self.ema.update(self.network.module, nimg + config.batch_size, config.batch_size)
        return {"loss/cross_entropy": entropy, "loss/dice": dice}

    def _pace(self, nimg: int) -> float:
        """The learning rate's share of its peak: linear warm-up, then a half cosine to zero."""
        config = self.config
        if nimg < config.warmup_images:
            return (nimg + config.batch_size) / (config.warmup_images + config.batch_size)
        done = (nimg - config.warmup_images) / max(1, config.images - config.warmup_images)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))

    def validate(self) -> Mapping[str, float]:
        """Score the averaged network on the held-out faces."""
        if not self.held_out:
            return {}
        matrix = ConfusionMatrix()
        for group in self.held_out.groups():
            for (_, truth), predicted in zip(group, self._parse([face for face, _ in group]), strict=True):
                matrix.add(truth, predicted)
        return {f"validation/{name}": value for name, value in matrix.summary().items()}

    def samples(self) -> Photo | None:
        """Rows of face, true labels and parsed labels."""
        shown = next(self.held_out.groups(_SHOWN), None)
        if shown is None:
            return None
        parsed = self._parse([face for face, _ in shown])
        return contact_sheet([[face, truth, mine] for (face, truth), mine in zip(shown, parsed, strict=True)])

    def _parse(self, faces: Sequence[Photo]) -> list[LabelMap]:
        return Parser(self.ema.module, self.config.parser, device=self.fabric.device, dtype=torch.float32)(faces)

    def state(self) -> dict[str, Any]:
        return {
            "network": self.network.module.state_dict(),
            "ema": self.ema.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        self.network.module.load_state_dict(state["network"])
        self.ema.module.load_state_dict(state["ema"])
        self.optimizer.load_state_dict(state["optimizer"])

    @property
    def result(self) -> nn.Module:
        """The averaged network."""
        return self.ema.module


def soft_dice(logits: Tensor, labels: Tensor) -> Tensor:
    """1 - mean soft Dice over the labels that the batch holds: logits N×L×H×W, labels N×H×W → scalar in 0..1."""
    probabilities = logits.softmax(1)
    truth = F.one_hot(labels, logits.shape[1]).permute(0, 3, 1, 2).to(probabilities.dtype)
    shared = (probabilities * truth).sum((0, 2, 3))
    total = probabilities.sum((0, 2, 3)) + truth.sum((0, 2, 3))
    present = truth.sum((0, 2, 3)) > 0
    return 1 - (2 * shared / total.clamp_min(1))[present].mean()


def _class_weights(labels: NDArray[np.uint8], power: float) -> Tensor:
    """Weights ∝ frequency^-power, scaled so that a pixel weighs 1 on average; absent labels weigh 0."""
    counts = np.zeros(NUM_LABELS)
    for one in labels:
        counts += np.bincount(one.ravel(), minlength=NUM_LABELS)
    share = counts / counts.sum()
    weights = np.where(share > 0, np.maximum(share, 1e-6) ** -power, 0.0)
    return torch.from_numpy(weights / (weights * share).sum()).float()
