"""What each rank of a parser's run does once its faces are there: the network, the loop, and its weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from facesynth.inference import networks
from facesynth.inference.likeness import Likeness
from facesynth.inference.parser import Parser
from facesynth.models.parser import ParserNet
from facesynth.training import checkpoint
from facesynth.training.collectives import ranks_of
from facesynth.training.initial import expect_frequencies, load_backbone, load_initial
from facesynth.training.joined_norm import join_norms
from facesynth.training.keeping import Keeper
from facesynth.training.launch import Place, make_fabric
from facesynth.training.loop import fit, unkept
from facesynth.training.opening import Listening, Opened, Order, origin
from facesynth.training.parser.job import ParserJob
from facesynth.training.parser.lessons import Lessons
from facesynth.training.parser.likeness import measured
from facesynth.training.parser.material import Material
from facesynth.training.preflight import check_memory, room_to_train
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
    taken = check_memory(config, fabric.device, place.ranks, painted_by=painted_by)
    if place.ranks > 1:
        join_norms(network)
    if config.compile:
        network.compile()
        if lessons.repainter is not None:
            lessons.repainter.generator.compile()
    job = ParserJob(config, network, learnt_from, opened.held_out, fabric, lessons, ranks)

    def save(path: Path, images: int, more: Mapping[str, str], likeness: Likeness | None = None) -> None:
        about = {**origin(config.name, images), **more}
        parts = {"parser": (config.parser, job.result)}
        networks.save(path, parts, licence=config.licence, about=about, likeness=likeness)

    keeper = None
    if config.best is not None and ranks.first:
        measures = BEST_PARSER if config.best == "auto" else (config.best,)
        keeper = Keeper(folder.path, config.name, measures, config.images, save)
    with room_to_train(config, taken, fabric.device, place.ranks):
        shown = fit(
            job,
            folder,
            images=config.images,
            batch_size=config.batch_size,
            every=config.every,
            report=listening.report,
            sample_text={},
            ranks=ranks,
            on_validated=keeper or unkept,
        )
    if shown is None or not ranks.first:
        return None
    target = folder.path / f"{config.name}.safetensors"
    parser = Parser(job.result, config.parser, device=fabric.device, dtype=torch.float32)
    save(target, shown, {}, measured(parser, learnt_from, config.seed))
    if keeper is not None and keeper.best.is_file():
        best = Parser.load(keeper.best, device=str(fabric.device), precision="float32", engine="eager")
        if best.likeness is None and (likeness := measured(best, learnt_from, config.seed)) is not None:
            networks.copy_with_likeness(keeper.best, keeper.best, likeness)
    return target
