"""Training runs from their records: data found and packed, networks built, the loop run, weights published."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import nn

from facesynth import __version__, weights
from facesynth.core.errors import ConfigError, TrainingError, UsageError
from facesynth.core.image_files import SYNTHETIC_TEXT, read_photo
from facesynth.core.images import Photo
from facesynth.core.label_files import read_label_map
from facesynth.core.labels import LabelMap
from facesynth.datasets.pairs import Pair, Split, find_pairs, pack
from facesynth.inference import networks
from facesynth.inference.convert import read_state
from facesynth.inference.device import resolve_device
from facesynth.models.discriminator import Discriminator
from facesynth.models.encoder import StyleEncoder
from facesynth.models.generator import SpadeGenerator
from facesynth.models.parser import ParserNet
from facesynth.models.perceptual import MobileNetFeatures, PerceptualDistance, Vgg19Features
from facesynth.training.folder import RunFolder
from facesynth.training.loop import Report, fit
from facesynth.training.parser_job import ParserJob
from facesynth.training.runs import Data, ParserRun, Precision, SpadeRun
from facesynth.training.spade_job import Painter, SpadeJob

_SAMPLED = 6  # pairs on a sample sheet
PRECISIONS = {"float32": "32-true", "bf16": "bf16-mixed"}


def train_parser(config: ParserRun, runs: Path, *, base: Path, device: str = "auto", report: Report) -> Path | None:
    """Train a face parser, or go on with it; returns its weights file, or None when a signal stopped it.

    `base` is the folder that relative paths of the pipeline file start from. The run lives in `runs`/NAME.
    """
    folder = RunFolder(runs / config.name)
    with folder.locked():
        train, held_out = chosen_pairs(config.data, base, config.seed)
        folder.settle(config, data=digest_of(train))
        size = config.parser.size * 5 // 4  # headroom for the zoom of the augmentation
        packed = pack(train, size, folder.path / "data")
        fabric = make_fabric(device, config.precision)
        torch.manual_seed(config.seed)
        network = ParserNet(config.parser)
        if config.backbone is not None:
            load_backbone(network, config.backbone)
        job = ParserJob(config, network, packed, read_pairs(held_out), fabric)
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
        networks.save(
            target, {"parser": (config.parser, job.result)}, licence=config.licence, about=origin(config.name, shown)
        )
        return target


def train_spade(config: SpadeRun, runs: Path, *, base: Path, device: str = "auto", report: Report) -> Path | None:
    """Train encoder, generator and discriminator, or go on with it; returns the weights file, or None when stopped.

    The file holds generator and encoder; the discriminator stays in the run's checkpoints.
    """
    folder = RunFolder(runs / config.name)
    with folder.locked():
        train, held_out = chosen_pairs(config.data, base, config.seed)
        folder.settle(config, data=digest_of(train))
        packed = pack(train, config.generator.size * 9 // 8, folder.path / "data")
        fabric = make_fabric(device, config.precision)
        torch.manual_seed(config.seed)
        painter = Painter(
            SpadeGenerator(config.generator), None if config.encoder is None else StyleEncoder(config.encoder)
        )
        discriminator = Discriminator(config.discriminator)
        for network in (painter, discriminator):
            initialise(network)
        perceptual = None if config.perceptual == "none" else load_perceptual(config.perceptual)
        judged, sheet = read_pairs(held_out), read_pairs((held_out or train)[:_SAMPLED])
        job = SpadeJob(config, painter, discriminator, perceptual, packed, judged, sheet, fabric)
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
        result = job.averaged()
        parts: dict[str, tuple[networks.Spec, nn.Module]] = {"generator": (config.generator, result.generator)}
        if config.encoder is not None and result.encoder is not None:
            parts["encoder"] = (config.encoder, result.encoder)
        target = folder.path / f"{config.name}.safetensors"
        networks.save(target, parts, licence=config.licence, about=origin(config.name, shown))
        return target


def initialise(network: nn.Module) -> None:
    """Xavier-normal weights with gain 0.02 and zero biases (NVlabs/SPADE's defaults); style paths start at 0."""
    for name, parameter in network.named_parameters():
        if parameter.ndim < 2:
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
        elif ".style." in name:
            nn.init.zeros_(parameter)
        elif not name.endswith("noise_0.weight") and not name.endswith("noise_1.weight"):
            nn.init.xavier_normal_(parameter, gain=0.02)


def load_perceptual(name: str) -> PerceptualDistance:
    """Build the perceptual distance over ImageNet features named in the weights manifest."""
    features = MobileNetFeatures() if name.startswith("mobilenet") else Vgg19Features()
    target: nn.Module = features.trunk if isinstance(features, MobileNetFeatures) else features
    _load_part(target, name)
    return PerceptualDistance(features)


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


def chosen_pairs(data: Data, base: Path, seed: int) -> tuple[list[Pair], list[Pair]]:
    """Find a run's pairs: (train, held out). Relative folders start from `base`.

    ConfigError when a held-out image lies among the extra pairs too.
    """
    if data.folder is None:
        raise UsageError("no training data named", hint="add --data DIR, a folder with images/ and labels/")
    pairs = find_pairs(base / data.folder)
    train, held_out = pairs, list[Pair]()
    if data.split is not None:
        train, held_out = Split.read(base / data.split).choose(pairs)
        if not train:
            raise ConfigError(
                "the split names none of the pairs as training data",
                where=base / data.split,
                hint="check --data, or --set data.split=null",
            )
    for extra in data.extra:
        train = train + find_pairs(base / extra)
    _refuse_overlap(train, held_out)
    if data.limit is not None and data.limit < len(train):
        keep = sorted(range(len(train)), key=lambda i: hashlib.sha256(f"{seed}/{train[i].name}".encode()).digest())
        train = [train[i] for i in sorted(keep[: data.limit])]
    return train, held_out


def _refuse_overlap(train: Sequence[Pair], held_out: Sequence[Pair]) -> None:
    """Compare by name and by file: copies under the same name count, renamed copies are not noticed."""
    names, files = {pair.name for pair in held_out}, {pair.image.resolve() for pair in held_out}
    for pair in train:
        if pair.name in names or pair.image.resolve() in files:
            raise ConfigError("is held out by the split and may not train", where=pair.image, hint="check data.extra")


def digest_of(pairs: Sequence[Pair]) -> str:
    """Return a digest of which files a run trains on (names and sizes)."""
    text = "\n".join(f"{p.name} {p.image.stat().st_size} {p.labels.stat().st_size}" for p in pairs)
    return hashlib.sha256(text.encode()).hexdigest()


def read_pairs(pairs: Sequence[Pair]) -> list[tuple[Photo, LabelMap]]:
    """Read pairs at their full size."""
    return [(read_photo(pair.image), read_label_map(pair.labels)) for pair in pairs]


def load_backbone(network: ParserNet, name: str) -> None:
    """Put ImageNet weights in torchvision's layout into the parser's trunk."""
    _load_part(network.trunk, name)


def _load_part(module: nn.Module, name: str) -> None:
    path = weights.locate(name)
    state = read_state(path)
    own = module.state_dict()
    found = {key: value for key, value in state.items() if key in own}
    if found.keys() != own.keys():
        raise TrainingError(f"{name} lacks layers of {type(module).__name__}", where=path)
    module.load_state_dict(found)
