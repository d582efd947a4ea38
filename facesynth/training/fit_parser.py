"""What each rank of a parser's run does once its faces are there: the network, the loop, and its weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from facesynth.inference import networks
from facesynth.inference.parser import Parser
from facesynth.models.parser import ParserNet
from facesynth.training import checkpoint
from facesynth.training.collectives import ranks_of
from facesynth.training.fitting import carried_out
from facesynth.training.initial import expect_frequencies, load_backbone, load_initial
from facesynth.training.joined_norm import join_norms
from facesynth.training.launch import make_fabric
from facesynth.training.opening import Listening, Opened, Order, origin
from facesynth.training.parser.job import ParserJob
from facesynth.training.parser.lessons import Lessons
from facesynth.training.parser.likeness import measured
from facesynth.training.parser.material import Material
from facesynth.training.place import Place
from facesynth.training.preflight import check_memory
from facesynth.training.runs.parser import BEST_PARSER, ParserRun


def fit_parser(
    order: Order[ParserRun],
    place: Place,
    opened: Opened,
    learnt_from: Material,
    lessons: Lessons,
    listening: Listening,
) -> Path | None:
    """Train as one rank; the first returns the weights file, or None when a signal stopped it, the others None."""
    config, folder = order.config, opened.folder
    fabric = make_fabric(order.device, config.precision, parts=config.accumulate, place=place)
    ranks = ranks_of(fabric)
    torch.manual_seed(config.seed)
    network = networks.build(config.parser)
    assert isinstance(network, ParserNet)
    if not checkpoint.found(folder.path):
        if config.initial is not None:
            load_initial(config.initial, order.base, {"parser": (config.parser, network)})
        else:
            expect_frequencies(network, learnt_from.counts.sum(0))
            if config.backbone is not None:
                load_backbone(network, config.backbone)
    painted_by = None if lessons.repainter is None else lessons.repainter.generator.spec
    taken = check_memory(config, fabric.device, place.here, painted_by=painted_by)
    if place.ranks > 1:
        join_norms(network)
    if config.compile:
        network.compile()
        if lessons.repainter is not None:
            lessons.repainter.generator.compile()
    job = ParserJob(config, network, learnt_from, opened.held_out, fabric, lessons, ranks)

    def save(path: Path, images: int, more: Mapping[str, str]) -> None:
        about = {**origin(config.name, images), **more}
        networks.save(path, {"parser": (config.parser, job.result)}, licence=config.licence, about=about)

    target = carried_out(
        job,
        config,
        folder,
        ranks,
        fabric.device,
        taken,
        listening,
        save=save,
        measures=BEST_PARSER,
        images_a_step=config.batch_size,
        sample_text={},
    )
    if target is not None:
        for file in (target, target.with_name(f"{config.name}-best.safetensors")):
            _tell_likeness(file, learnt_from, config.seed, fabric.device)
    return target


def _tell_likeness(file: Path, learnt_from: Material, seed: int, device: torch.device) -> None:
    """Write into a weights file what the faces look like to it; not where that is known, or there is no such file."""
    if not file.is_file():
        return
    parser = Parser.load(file, device=str(device), precision="float32", engine="eager")
    if parser.likeness is None and (likeness := measured(parser, learnt_from, seed)) is not None:
        networks.copy_with_likeness(file, file, likeness)
