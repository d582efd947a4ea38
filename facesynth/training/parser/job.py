"""The parser's training step, and what it takes to resume it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn

from facesynth.core.images import Photo
from facesynth.inference.face_tensors import normalised
from facesynth.inference.parser import Parser
from facesynth.models.parser import ParserNet
from facesynth.training.augment import moved, recoloured, resized, resized_labels
from facesynth.training.collectives import ALONE, Ranks
from facesynth.training.data import HeldOut
from facesynth.training.ema import Ema
from facesynth.training.feeding import Feeder
from facesynth.training.parser.critic import Critic
from facesynth.training.parser.judging import scores_of, sheet_of
from facesynth.training.parser.losses import class_weights, cross_entropy, log_weights, soft_dice
from facesynth.training.parser.material import Material
from facesynth.training.parser.teacher import Taught, Teaching
from facesynth.training.parts import PartMeans, hold_power_iterations, resume_power_iterations
from facesynth.training.rows import rows_of
from facesynth.training.runs.parser import ParserRun
from facesynth.training.sampling import ShuffledOrder, generator_at, repeated_for_rare


class ParserJob:
    """Trains a parser on packed pairs; judged on held-out faces at their full size."""

    def __init__(
        self,
        config: ParserRun,
        network: ParserNet,
        material: Material,
        held_out: HeldOut,
        fabric: Fabric,
        taught: Sequence[Taught] = (),
        ranks: Ranks = ALONE,
    ) -> None:
        """`taught` are the teachers that the config names; without any its own average teaches, where it is told to."""
        self.config, self.held_out, self.fabric = config, held_out, fabric
        pairs, counts, rare = material.pairs, material.counts, config.rare_repeat
        items = repeated_for_rare(counts, rare, config.seed) if rare else len(pairs)
        self._labelled, self._ranks = config.batch_size - config.unlabelled, ranks
        share = (ranks.rank, ranks.count, config.accumulate)
        self._shares = rows_of(self._labelled, *share)
        self._unlabelled_shares = rows_of(config.unlabelled, *share) if config.unlabelled else []
        self.feed = Feeder(pairs, ShuffledOrder(items, config.seed), self._labelled, fabric.device)
        self.feed_faces = None
        if (faces := material.unlabelled) is not None:
            order = ShuffledOrder(faces.allowed, config.seed)
            self.feed_faces = Feeder(faces.packed, order, config.unlabelled, fabric.device)
        groups = [
            {"params": list(network.trunk.parameters()), "peak": config.trunk_learning_rate},
            {
                "params": [p for n, p in network.named_parameters() if not n.startswith("trunk.")],
                "peak": config.learning_rate,
            },
        ]
        optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=config.weight_decay)
        self.balance = class_weights(counts.sum(0), config.class_balance).to(fabric.device)
        self._surplus = log_weights(self.balance)
        network = network.to(memory_format=torch.channels_last)
        self.network, self.optimizer = fabric.setup(network, optimizer)
        self.ema = Ema(network, config.ema_half_life)
        self.critic = Critic(config, fabric) if config.adversarial else None
        self.teaching = None
        if config.teacher is not None:
            teachers = [(one.network, one.spec) for one in taught] or [(self.ema.module, config.parser)]
            self.teaching = Teaching(teachers, config.teacher, fabric)

    def step(self, nimg: int) -> Mapping[str, Tensor]:
        """One AdamW step on the batch that starts at image `nimg`, and one of the critic where there is one."""
        config, pace = self.config, self._pace(nimg)
        batch = self._batch(nimg)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * pace
        self.network.train()
        losses = PartMeans()
        for part in range(len(self._shares)):
            if self.critic is not None:
                (hold_power_iterations if part else resume_power_iterations)([self.critic.network])
            losses.add(self._learn(*self._taken(batch, part), nimg, pace))
        self.ema.update(self.network.module, nimg + config.batch_size, config.batch_size)
        return losses.taken(len(self._shares))

    def _learn(self, faces: Tensor, images: Tensor, labels: Tensor, nimg: int, pace: float) -> dict[str, Tensor]:
        """The losses of a part of the batch, by name, and their gradients; with the last part the optimizers step."""
        config, labelled, ranks = self.config, len(labels), self._ranks
        pictures = normalised(images).contiguous(memory_format=torch.channels_last)
        logits = self.network(pictures).float()
        answers = logits[:labelled] + self._surplus
        entropy = cross_entropy(answers, labels, self.balance, config.boundary, ranks)
        dice = soft_dice(answers, labels, ranks)
        total = entropy + config.dice * dice
        losses = {"loss/cross_entropy": entropy, "loss/dice": dice}
        if self.teaching is not None:
            turn = nimg // config.batch_size
            divergence, counting = self.teaching.divergence(faces, logits, labelled, turn, ranks)
            total = total + self.teaching.weight(nimg) * divergence
            losses |= {"loss/teacher": divergence, "teacher/counting": counting}
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

    def _batch(self, nimg: int) -> tuple[Tensor, Tensor, Tensor]:
        """Faces as they were moved, the same at the parser's size in other colours, and labels of the first of them.

        Those that have no labels come last.
        """
        config, size = self.config, self.config.parser.size
        steps = nimg // config.batch_size
        images, labels = self.feed(steps * self._labelled)
        if self.feed_faces is not None:
            more = self.feed_faces(steps * config.unlabelled)
            images, labels = torch.cat([images, more[0]]), torch.cat([labels, more[1]])
        generator = generator_at(config.seed, nimg)
        images, labels = moved(images, labels, config.augment, generator)
        coloured = recoloured(resized(images, size), config.augment, generator)
        return images, coloured, resized_labels(labels, size // 2)[: self._labelled]

    def _taken(self, batch: tuple[Tensor, Tensor, Tensor], part: int) -> tuple[Tensor, Tensor, Tensor]:
        """The rows of a part: of faces with labels, and of those without where there are such."""
        rows, more = self._shares[part], self._unlabelled_shares
        if not more or rows.count == rows.whole:
            return rows.of(batch) if not more else batch
        faces, images, labels = batch
        both = [torch.cat([rows.of(each[: rows.whole]), more[part].of(each[rows.whole :])]) for each in (faces, images)]
        return both[0], both[1], rows.of(labels)

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
