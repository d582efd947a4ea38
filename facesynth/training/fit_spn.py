"""What each rank of a residual generator's run does once its images are there: the networks, the loop, the weights."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path

import torch

from facesynth.core.image_files import SYNTHETIC_TEXT
from facesynth.inference import networks
from facesynth.inference.extractors.loading import load_features
from facesynth.models.resnet_gan.discriminator import ResnetDiscriminator
from facesynth.models.resnet_gan.generator import ResnetGenerator
from facesynth.training import checkpoint
from facesynth.training.budget import Stopwatch
from facesynth.training.collectives import ranks_of
from facesynth.training.fitting import carried_out
from facesynth.training.initial import load_initial
from facesynth.training.joined_norm import join_norms
from facesynth.training.launch import make_fabric
from facesynth.training.onlooker import watched_features
from facesynth.training.opening import Listening, OnNote, Order, origin
from facesynth.training.place import Place
from facesynth.training.preflight import check_memory
from facesynth.training.runs.spn import BEST_SAMPLES, SpnRun
from facesynth.training.spn.batches import Batches
from facesynth.training.spn.job import SpnJob
from facesynth.training.spn.judging import Comparison, SampleScorer
from facesynth.training.spn.opening import OpenedImages


def fit_spn(order: Order[SpnRun], place: Place, opened: OpenedImages, listening: Listening) -> Path | None:
    """Train as one rank; the first returns the weights file, or None when a signal stopped it, the others None."""
    config, folder, images = order.config, opened.folder, opened.images
    fabric = make_fabric(order.device, config.precision, parts=config.accumulate, place=place)
    ranks = ranks_of(fabric)
    torch.manual_seed(config.seed)
    discriminator = ResnetDiscriminator(config.discriminator)  # first: one of a seed, whatever the generator
    generator = ResnetGenerator(config.generator)
    parts: dict[str, tuple[networks.Spec, torch.nn.Module]] = {"generator": (config.generator, generator)}
    critics: dict[str, tuple[networks.Spec, torch.nn.Module]] = {"discriminator": (config.discriminator, discriminator)}
    if config.initial is not None and not checkpoint.found(folder.path):
        load_initial(config.initial, order.base, parts, critics)
    taken = check_memory(config, fabric.device, place.here)
    if place.ranks > 1:
        join_norms(generator)
    if config.compile:
        generator.compile()
        discriminator.compile()
    stopwatch, scorer = Stopwatch(config.seconds, ranks), None
    if ranks.first:
        compared = _comparison(config, order.base, str(fabric.device), listening.on_note)
        scorer = SampleScorer(config, images, fabric.device, compared)
    batches = Batches(images, config, fabric.device)
    job = SpnJob(config, generator, discriminator, batches, fabric, stopwatch, scorer)

    def save(path: Path, shown: int, more: Mapping[str, str]) -> None:
        saved: dict[str, tuple[networks.Spec, torch.nn.Module]] = {"generator": (config.generator, job.averaged())}
        if config.keep_discriminators:
            saved |= critics  # the very module that was trained
        about = {**origin(config.name, shown), "budget": _budget(config), **more}
        if config.generator.classes:
            about["classes"] = json.dumps(list(images.classes))
            if images.targets is not None and images.targets.ndim > 1:
                about["targets"] = "attributes"
        networks.save(path, saved, licence=config.licence, about=about)

    return carried_out(
        job,
        config,
        folder,
        ranks,
        fabric.device,
        taken,
        listening,
        save=save,
        measures=BEST_SAMPLES,
        images_a_step=config.images_a_step,
        sample_text=SYNTHETIC_TEXT,
        stopwatch=stopwatch,
    )


def _budget(config: SpnRun) -> str:
    """How long the run was to train when the weights were written, as JSON: run.json tells what it was last told."""
    return json.dumps({"images": config.images, "seconds": config.seconds, "decay_images": config.decay_images})


def _comparison(config: SpnRun, base: Path, device: str, on_note: OnNote) -> Comparison | None:
    """What a run's pictures are compared by; None where they are not."""
    watch = config.watch
    if watch.features is None or not watch.images or not config.every.validation:
        return None
    if importlib.util.find_spec("torch_fidelity") is None:
        on_note("no Fréchet distance while training: torch-fidelity is not installed; pip install facesynth[metrics]")
        return None
    described, measure = watched_features(watch.features, base)
    return Comparison(load_features(described, device=device), measure)
