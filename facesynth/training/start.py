"""Training runs from their records: data found and packed, networks built, the loop run, weights published."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import nn

from facesynth import __version__
from facesynth.core.image_files import SYNTHETIC_TEXT
from facesynth.core.refs import sha256_bytes
from facesynth.datasets.packed import PackedPairs, identify, packed
from facesynth.datasets.pairs import Pair
from facesynth.inference import networks
from facesynth.inference.device import resolve_device
from facesynth.inference.parser import Parser
from facesynth.models.discriminator import Discriminator
from facesynth.models.encoder import StyleEncoder
from facesynth.models.generator import SpadeGenerator
from facesynth.models.parser import ParserNet
from facesynth.models.segmentation_discriminator import SegmentationDiscriminator
from facesynth.store import ArtifactStore
from facesynth.training import checkpoint
from facesynth.training.data import HeldOut, chosen_pairs, read_pairs
from facesynth.training.folder import RunFolder
from facesynth.training.initial import expect_frequencies, initialise, load_backbone, load_initial, load_perceptual
from facesynth.training.loop import Report, fit
from facesynth.training.parser.job import ParserJob
from facesynth.training.parser.likeness import measured
from facesynth.training.parser.material import material, unlabelled_faces
from facesynth.training.parser.teacher import load_teachers
from facesynth.training.runs import ParserRun, Precision, SpadeRun
from facesynth.training.spade.job import SpadeJob
from facesynth.training.spade.painter import Painter

_SAMPLED = 6  # pairs on a sample sheet
OnPacked = Callable[[int, int], None]
PRECISIONS = {"float32": "32-true", "bf16": "bf16-mixed"}


def _unheard(done: int, total: int) -> None:
    """Nobody listens to how far packing is."""


def train_parser(
    config: ParserRun,
    runs: Path,
    *,
    base: Path,
    store: ArtifactStore | None = None,
    device: str = "auto",
    report: Report,
    on_packed: OnPacked = _unheard,
) -> Path | None:
    """Train a face parser, or go on with it; returns its weights file, or None when a signal stopped it.

    `base` is the folder that relative paths of the pipeline file start from. The run lives in `runs`/NAME, its packed
    pairs in `store`, or without one in the run's own folder.
    """
    folder = RunFolder(runs / config.name)
    store = store or ArtifactStore(folder.path / "cache")
    taught, faces = load_teachers(config, base), unlabelled_faces(config, base)
    lessons = [*(teacher.sha256 for teacher in taught), *([identify(faces).digest] if faces else [])]
    with (
        _started(folder, config, base, store, config.packed_size, on_packed, lessons) as begun,
        material(config, base, begun.pairs, store=store, notes=folder.path, on_packed=on_packed) as learnt_from,
    ):
        fabric = make_fabric(device, config.precision)
        torch.manual_seed(config.seed)
        network = networks.build(config.parser)
        assert isinstance(network, ParserNet)
        if not checkpoint.found(folder.path):
            if config.initial is not None:
                load_initial(config.initial, base, {"parser": (config.parser, network)})
            else:
                expect_frequencies(network, learnt_from.counts.sum(0))
                if config.backbone is not None:
                    load_backbone(network, config.backbone)
        job = ParserJob(config, network, learnt_from, begun.held_out, fabric, taught)
        shown = fit(
            job,
            folder,
            images=config.images,
            batch_size=config.batch_size,
            every=config.every,
            report=report,
            sample_text={},
        )
        if shown is None:
            return None
        target = folder.path / f"{config.name}.safetensors"
        parser = Parser(job.result, config.parser, device=fabric.device, dtype=torch.float32)
        networks.save(
            target,
            {"parser": (config.parser, job.result)},
            licence=config.licence,
            about=origin(config.name, shown),
            likeness=measured(parser, learnt_from, config.seed),
        )
        return target


def train_spade(
    config: SpadeRun,
    runs: Path,
    *,
    base: Path,
    store: ArtifactStore | None = None,
    device: str = "auto",
    report: Report,
    on_packed: OnPacked = _unheard,
) -> Path | None:
    """Train encoder, generator and discriminators, or go on with it; returns the weights file, or None when stopped.

    The file holds generator and encoder; the discriminators stay in the run's checkpoints, unless the run says that
    they be kept. For the rest see `train_parser`.
    """
    folder = RunFolder(runs / config.name)
    size = config.generator.size * 9 // 8
    store = store or ArtifactStore(folder.path / "cache")
    with _started(folder, config, base, store, size, on_packed) as begun:
        fabric = make_fabric(device, config.precision)
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
            load_initial(config.initial, base, painter_parts(config, painter), critics)
        perceptual = None if config.perceptual == "none" else load_perceptual(config.perceptual)
        sampled = read_pairs(islice(begun.held_out.pairs or begun.train, _SAMPLED))
        job = SpadeJob(config, painter, patches, segmentation, perceptual, begun.pairs, begun.held_out, sampled, fabric)
        shown = fit(
            job,
            folder,
            images=config.images,
            batch_size=config.batch_size,
            every=config.every,
            report=report,
            sample_text=SYNTHETIC_TEXT,
        )
        if shown is None:
            return None
        target = folder.path / f"{config.name}.safetensors"
        parts = painter_parts(config, job.averaged())
        if config.keep_discriminators:
            parts |= critics  # the very modules that were trained
        networks.save(target, parts, licence=config.licence, about=origin(config.name, shown))
        return target


@dataclass(frozen=True, slots=True)
class _Begun:
    """A run's pairs: packed, held out, and those that train as they were found."""

    pairs: PackedPairs
    held_out: HeldOut
    train: Iterable[Pair]


@contextmanager
def _started(
    folder: RunFolder,
    config: ParserRun | SpadeRun,
    base: Path,
    store: ArtifactStore,
    size: int,
    on_packed: OnPacked,
    lessons: Sequence[str] = (),
) -> Iterator[_Begun]:
    """Hold the run, see that it goes on from its recipe, and lend its pairs.

    `lessons` are digests of what else it learns from.
    """
    with folder.locked():
        train, held_out = chosen_pairs(config.data, base, config.seed)
        identity, begun = identify(train), bool(checkpoint.found(folder.path))
        data = sha256_bytes(" ".join([identity.digest, *lessons]).encode()) if lessons else identity.digest
        if begun:
            folder.settle(config, data=data, begun=True)
        with packed(train, size, store, identity=identity, on_packed=on_packed) as pairs:
            if not begun:  # only now: a start that failed on a bad file is no start
                folder.settle(config, data=data, begun=False)
            yield _Begun(pairs, held_out, train)


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


def origin(name: str, images: int) -> dict[str, str]:
    """Return the metadata that says which run a weights file comes from."""
    return {"name": name, "images_shown": str(images), "facesynth": __version__}


def make_fabric(device: str, precision: Precision) -> Fabric:
    """Return a Fabric for one device at one precision."""
    resolved = resolve_device(device)
    devices = [resolved.index] if resolved.index is not None else 1
    fabric = Fabric(accelerator=resolved.type, devices=devices, precision=PRECISIONS[precision])  # type: ignore[arg-type]
    fabric.launch()
    return fabric
