"""What each rank of a generator's run does once its pairs are there: the networks, the loop, and their weights."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import torch
from torch import nn

from facesynth.core.image_files import SYNTHETIC_TEXT
from facesynth.inference import networks
from facesynth.models.discriminator import Discriminator
from facesynth.models.encoder import StyleEncoder
from facesynth.models.generator import SpadeGenerator
from facesynth.models.pattern_spade.finding import batch_patterns
from facesynth.models.segmentation_discriminator import SegmentationDiscriminator
from facesynth.training import checkpoint
from facesynth.training.collectives import ranks_of
from facesynth.training.data import read_pairs
from facesynth.training.fitting import carried_out
from facesynth.training.initial import initialise, load_initial, load_perceptual
from facesynth.training.joined_norm import join_norms
from facesynth.training.launch import make_fabric
from facesynth.training.onlooker import onlooker
from facesynth.training.opening import Listening, Opened, Order, origin
from facesynth.training.place import Place
from facesynth.training.preflight import check_memory
from facesynth.training.runs.spade import BEST_GENERATOR, SpadeRun
from facesynth.training.spade.job import SpadeJob
from facesynth.training.spade.painter import Painter

_SAMPLED = 6  # pairs on a sample sheet


def fit_spade(order: Order[SpadeRun], place: Place, opened: Opened, listening: Listening) -> Path | None:
    """Train as one rank; the first returns the weights file, or None when a signal stopped it, the others None."""
    config, folder = order.config, opened.folder
    fabric = make_fabric(order.device, config.precision, parts=config.accumulate, place=place)
    ranks = ranks_of(fabric)
    torch.manual_seed(config.seed)
    painter = Painter(
        SpadeGenerator(config.generator), None if config.encoder is None else StyleEncoder(config.encoder)
    )
    patches = None if config.discriminator is None else Discriminator(config.discriminator)
    for network in (painter, patches):
        if network is not None:
            initialise(network)
    segmentation = None
    if config.segmentation_discriminator is not None:  # only now: with or without it, the others start alike
        # From torch's own numbers: `initialise` makes its last layer, which nothing normalises, so small that on
        # drawn faces it knew after 200 steps what it so knows after 30.
        segmentation = SegmentationDiscriminator(config.segmentation_discriminator)
    critics = critic_parts(config, patches, segmentation)
    if config.initial is not None and not checkpoint.found(folder.path):
        parts = painter_parts(config, painter)
        load_initial(config.initial, order.base, parts, critics, on_note=listening.on_note)
    taken = check_memory(config, fabric.device, place.here)
    perceptual = None if config.perceptual == "none" else load_perceptual(config.perceptual)
    sampled = read_pairs(islice(opened.held_out.pairs or opened.train, _SAMPLED))
    if place.ranks > 1:
        join_norms(painter)
        if perceptual is not None:
            perceptual.joined = lambda mean: ranks.total(mean) / ranks.count
    if config.by_patterns(fabric.device.type):
        painter.generator.find_patterns = batch_patterns
    if config.compile:
        for module in (painter, patches, segmentation, perceptual):
            if module is not None:
                module.compile()
    watching = None
    if ranks.first and config.every.validation:
        watched = len(opened.held_out)
        watching = onlooker(config.watch, watched, config.seed, order.base, str(fabric.device), listening.on_note)
    job = SpadeJob(
        config,
        painter,
        patches,
        segmentation,
        perceptual,
        opened.pairs,
        opened.held_out,
        sampled,
        fabric,
        watching,
        ranks,
    )

    def save(path: Path, images: int, more: Mapping[str, str]) -> None:
        parts = painter_parts(config, job.averaged())
        if config.keep_discriminators:
            parts |= critics  # the very modules that were trained
        networks.save(path, parts, licence=config.licence, about={**origin(config.name, images), **more})

    return carried_out(
        job,
        config,
        folder,
        ranks,
        fabric.device,
        taken,
        listening,
        save=save,
        measures=BEST_GENERATOR,
        images_a_step=config.batch_size,
        sample_text=SYNTHETIC_TEXT,
    )


def painter_parts(config: SpadeRun, painter: Painter) -> dict[str, tuple[networks.Spec, nn.Module]]:
    """Return the networks of a painter by the names that they have in a weights file."""
    parts: dict[str, tuple[networks.Spec, nn.Module]] = {"generator": (config.generator, painter.generator)}
    if config.encoder is not None and painter.encoder is not None:
        parts["encoder"] = (config.encoder, painter.encoder)
    return parts


def critic_parts(
    config: SpadeRun, patches: Discriminator | None, segmentation: SegmentationDiscriminator | None
) -> dict[str, tuple[networks.Spec, nn.Module]]:
    """Return a run's discriminators by the names that they have in a weights file."""
    parts: dict[str, tuple[networks.Spec, nn.Module]] = {}
    if config.discriminator is not None and patches is not None:
        parts["discriminator"] = (config.discriminator, patches)
    if config.segmentation_discriminator is not None and segmentation is not None:
        parts["segmentation_discriminator"] = (config.segmentation_discriminator, segmentation)
    return parts
