"""The parser's training step, and what it takes to resume it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn

from facesynth.core.images import Photo
from facesynth.inference.face_tensors import normalised
from facesynth.inference.parser import Parser
from facesynth.models.parser import ParserNet
from facesynth.training.collectives import ALONE, Ranks
from facesynth.training.data import HeldOut
from facesynth.training.ema import Ema
from facesynth.training.parser.batches import Batch, Batches
from facesynth.training.parser.critic import Critic
from facesynth.training.parser.cycle import CycleLoss
from facesynth.training.parser.judging import scores_of, sheet_of
from facesynth.training.parser.lessons import Lessons
from facesynth.training.parser.losses import class_weights, cross_entropy, log_weights, soft_dice
from facesynth.training.parser.material import Material
from facesynth.training.parser.teacher import Teaching
from facesynth.training.parts import PartMeans, hold_power_iterations, resume_power_iterations
from facesynth.training.runs.parser import ParserRun


class ParserJob:
    """Trains a parser on packed pairs; judged on held-out faces at their full size."""

    def __init__(
        self,
        config: ParserRun,
        network: ParserNet,
        material: Material,
        held_out: HeldOut,
        fabric: Fabric,
        lessons: Lessons,
        ranks: Ranks = ALONE,
    ) -> None:
        """`lessons` are the networks that the config names; without teachers its own average teaches, where told to."""
        self.config, self.held_out, self.fabric = config, held_out, fabric
        self._batches, self._ranks = Batches(config, material, fabric.device, ranks), ranks
        groups = [
            {"params": list(network.trunk.parameters()), "peak": config.trunk_learning_rate},
            {
                "params": [p for n, p in network.named_parameters() if not n.startswith("trunk.")],
                "peak": config.learning_rate,
            },
        ]
        optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=config.weight_decay)
        self.balance = class_weights(material.counts.sum(0), config.class_balance).to(fabric.device)
        self._surplus = log_weights(self.balance)
        network = network.to(memory_format=torch.channels_last)
        self.network, self.optimizer = fabric.setup(network, optimizer)
        self.ema = Ema(network, config.ema_half_life)
        self.critic = Critic(config, fabric) if config.adversarial else None
        self.teaching = None
        if config.teacher is not None:
            teachers = [(one.network, one.spec) for one in lessons.teachers] or [(self.ema.module, config.parser)]
            self.teaching = Teaching(teachers, config.teacher, fabric)
        self.cycle = None
        if config.cycle is not None and lessons.repainter is not None:
            self.cycle = CycleLoss(lessons.repainter, config.cycle, fabric, seed=config.seed, ranks=ranks)

    def step(self, nimg: int) -> Mapping[str, Tensor]:
        """One AdamW step on the batch that starts at image `nimg`, and one of the critic where there is one."""
        config, pace = self.config, self._pace(nimg)
        batch = self._batches(nimg)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * pace
        self.network.train()
        losses = PartMeans()
        for part in range(config.accumulate):
            if self.critic is not None:
                (hold_power_iterations if part else resume_power_iterations)([self.critic.network])
            losses.add(self._learn(self._batches.part(batch, part), nimg, pace))
        self.ema.update(self.network.module, nimg + config.batch_size, config.batch_size)
        return losses.taken(config.accumulate)

    def _learn(self, batch: Batch, nimg: int, pace: float) -> dict[str, Tensor]:
        """The losses of a part of the batch, by name, and their gradients; with the last part the optimizers step."""
        config, labels, ranks = self.config, batch.labels, self._ranks
        labelled = len(labels)
        pictures = normalised(batch.images).contiguous(memory_format=torch.channels_last)
        logits = self.network(pictures).float()
        answers = logits[:labelled] + self._surplus
        entropy = cross_entropy(answers, labels, self.balance, config.boundary, ranks)
        dice = soft_dice(answers, labels, ranks)
        total = entropy + config.dice * dice
        losses = {"loss/cross_entropy": entropy, "loss/dice": dice}
        if self.teaching is not None:
            turn, heard = nimg // config.batch_size, batch.up_to("teacher")
            divergence, counting = self.teaching.divergence(batch.faces[heard], logits[heard], labelled, turn, ranks)
            total = total + self.teaching.weight(nimg) * divergence
            losses |= {"loss/teacher": divergence, "teacher/counting": counting}
        if self.cycle is not None:
            rows = batch.of("cycle")
            told = self.cycle(batch.faces[rows], logits[rows], nimg, batch.kinds["cycle"])
            total = total + self.cycle.weight(nimg) * told["loss/cycle"]
            losses |= told
        if self.critic is not None:
            judged = answers.softmax(1), F.interpolate(pictures[:labelled], labels.shape[-2:], mode="area")
            opinion = self.critic.opinion(*judged)
            total = total + config.adversarial * opinion
            losses["loss/adversarial"] = opinion
        self.optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(total)
        self.optimizer.step()
        if self.critic is not None:
            losses["loss/discriminator"] = self.critic.learn(judged[0], labels, judged[1], pace)
        return losses

    def _pace(self, nimg: int) -> float:
        """The learning rate's share of its peak: linear warm-up, then a half cosine to zero."""
        config = self.config
        if nimg < config.warmup_images:
            return (nimg + config.batch_size) / (config.warmup_images + config.batch_size)
        done = (nimg - config.warmup_images) / max(1, config.images - config.warmup_images)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))

    def validate(self) -> Mapping[str, float]:
        """Score the averaged network on the held-out faces."""
        return scores_of(self._parser(), self.held_out)

    def samples(self) -> Photo | None:
        """Rows of face, true labels and parsed labels."""
        return sheet_of(self._parser(), self.held_out)

    def _parser(self) -> Parser:
        return Parser(self.result, self.config.parser, device=self.fabric.device, dtype=torch.float32)

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {
            "network": self.network.module.state_dict(),
            "ema": self.ema.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            **({} if self.critic is None else {"critic": self.critic.state()}),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take up a state that `state` returned."""
        self.network.module.load_state_dict(state["network"])
        self.ema.module.load_state_dict(state["ema"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.critic is not None:
            self.critic.load(state["critic"])

    @property
    def result(self) -> nn.Module:
        """The averaged network: its logits are without what the labels' weights add to them in training."""
        return self.ema.module
