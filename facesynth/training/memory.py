"""How much memory a training run takes, told before its first step: of its networks on torch's device without numbers.

What autograd keeps for the backward pass is counted tensor by tensor while the networks are gone through, forward only,
for two samples and for four; nothing is computed. Beyond it there are weights, gradients, Adam's two moments and the
average, and a margin for what lives for a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from facesynth.inference import networks
from facesynth.models.discriminator import Discriminator
from facesynth.models.encoder import StyleEncoder
from facesynth.models.generator import SpadeGenerator
from facesynth.models.pattern_spade.finding import BatchPatterns
from facesynth.models.perceptual import MobileNetFeatures, PerceptualDistance, Vgg19Features
from facesynth.models.resnet_gan.discriminator import ResnetDiscriminator
from facesynth.models.resnet_gan.generator import ResnetGenerator
from facesynth.models.segmentation_discriminator import SegmentationDiscriminator
from facesynth.models.specs import GeneratorSpec
from facesynth.training.runs.parser import ParserRun
from facesynth.training.runs.spade import SpadeRun
from facesynth.training.runs.spn import SpnRun
from facesynth.training.spade.painter import Painter
from facesynth.training.spade.style_draws import StyleDraws, style_draws

_BYTES = 4
_MARGIN = 1.3
"""What a step takes at its height over what is counted here. So spade-128 in float32, at 2, 8 and 16 samples at once on
a CPU, is told 6 to 15 % too much; by patterns of labels spade-256, at 4 and 8, 25 % (in bf16 35 %)."""
_BF16 = 0.65
"""What autocast's tensors take, of which some stay float32, over float32's."""
_PATTERNS = 20
"""Times the side of a label map: how many patterns it is taken to have."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a run takes: parameters by network, bytes whatever the batch, and bytes for each sample in flight."""

    parameters: dict[str, int]
    fixed: int
    sample: int
    state: int
    """Bytes of a checkpoint."""

    def of(self, samples: int) -> int:
        """Bytes of the device's memory for so many samples at once."""
        return self.fixed + samples * self.sample

    def fitting(self, room: int) -> int:
        """How many samples at once so many bytes have room for; 0 where there is none for one."""
        return max(0, (room - self.fixed) // self.sample)


def footprint(
    config: ParserRun | SpadeRun | SpnRun, painted_by: GeneratorSpec | None = None, *, device: str = "cpu"
) -> Footprint:
    """What a run takes on a device of this kind, by an estimate. Draws none of torch's random numbers.

    `painted_by` is the generator that a parser's cycle goes back through: its weights file alone tells what it is.
    """
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        if isinstance(config, SpnRun):
            return _of_spn(config)
        if isinstance(config, SpadeRun):
            return _of_spade(config, device)
        taken = _of_parser(config)
        return taken if painted_by is None else _with_cycle(taken, config, painted_by)


def room_on(device: torch.device) -> int | None:
    """Bytes of memory that are free on a device; None where that is not known."""
    if device.type == "cuda":
        free: int = torch.cuda.mem_get_info(device)[0]
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return _free_main_memory() if device.type == "cpu" else None


def _free_main_memory(proc: Path = Path("/proc/meminfo"), group: Path = Path("/sys/fs/cgroup")) -> int | None:
    """What Linux says is available, and what a container's limit leaves of it."""
    rooms: list[int] = []
    try:
        lines = dict(line.split(":", 1) for line in proc.read_text().splitlines() if ":" in line)
        rooms.append(int(lines["MemAvailable"].split()[0]) * 1024)
        rooms[0] += int(lines["SwapFree"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
    try:
        limit, used = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
        cached = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        rooms.append(limit - used + int(cached.get("inactive_file", 0)))
    except (OSError, ValueError):  # no container, or one without a limit
        pass
    return min(rooms)


def _of_parser(config: ParserRun) -> Footprint:
    network = networks.build(config.parser)
    parts = {"parser": network}
    if config.adversarial:
        parts["discriminator"] = Discriminator(config.discriminator)
    side = config.parser.size

    def forward(count: int) -> list[Tensor]:
        logits = network(torch.zeros(count, 3, side, side)).float()
        probabilities = logits.softmax(1)
        kept = [logits.log_softmax(1).sum(), probabilities.square().sum()]
        if config.adversarial:
            photos = torch.zeros(count, 3, *logits.shape[-2:])
            kept += [scale[-1].sum() for scale in parts["discriminator"](probabilities, photos)]
        return kept

    return _measured(parts, {"parser"}, forward, config.precision == "bf16")


def _with_cycle(taken: Footprint, config: ParserRun, painted_by: GeneratorSpec) -> Footprint:
    """And what its cycle takes: a generator and features that learn nothing, and what is kept of the photos."""
    assert config.cycle is not None
    generator = SpadeGenerator(replace(painted_by, spectral=False)).eval().requires_grad_(False)
    frozen: dict[str, nn.Module] = {"cycle's generator": generator}
    perceptual = _perceptual(config.cycle.features) if config.cycle.perceptual else None
    if perceptual is not None:
        frozen["cycle's features"] = perceptual
    side, labels, channels = painted_by.size, painted_by.labels, painted_by.style_channels

    def forward(count: int) -> list[Tensor]:
        told = torch.zeros(count, labels, side, side, requires_grad=True)
        photos = torch.zeros(count, 3, side, side)
        style = torch.zeros(count, labels, channels) if painted_by.style_regions else torch.zeros(count, channels)
        noise = [torch.zeros(count, 1, each, each) for each in generator.noise_sides]
        painted = generator(told.softmax(1), style, noise)
        return [(painted - photos).abs().mean(), *([] if perceptual is None else [perceptual(painted, photos)])]

    photo = _measured({}, (), forward, config.precision == "bf16").sample
    sample = taken.sample + round(photo * config.unlabelled.get("cycle", 0) / config.batch_size)
    parameters = {name: sum(each.numel() for each in part.parameters()) for name, part in frozen.items()}
    fixed = taken.fixed + sum(parameters.values()) * _BYTES
    return replace(taken, parameters=taken.parameters | parameters, fixed=fixed, sample=sample)


def _perceptual(features: str) -> PerceptualDistance:
    return PerceptualDistance(MobileNetFeatures() if features.startswith("mobilenet") else Vgg19Features())


def _of_spade(config: SpadeRun, device: str) -> Footprint:
    encoder = None if config.encoder is None else StyleEncoder(config.encoder)
    painter = Painter(SpadeGenerator(config.generator), encoder)
    if config.by_patterns(device):
        painter.generator.find_patterns = _assumed_patterns
    parts: dict[str, nn.Module] = {"generator": painter.generator}
    if encoder is not None:
        parts["encoder"] = encoder
    if config.discriminator is not None:
        parts["discriminator"] = Discriminator(config.discriminator)
    if config.segmentation_discriminator is not None:
        parts["segmentation_discriminator"] = SegmentationDiscriminator(config.segmentation_discriminator)
    perceptual = None if config.perceptual == "none" else _perceptual(config.perceptual)
    side, labels = config.generator.size, config.generator.labels

    def forward(count: int) -> list[Tensor]:
        label_map, faces = torch.zeros(count, labels, side, side), torch.zeros(count, 3, side, side)
        painted, mean, log_variance = painter(label_map, faces, label_map, _draws(config, painter, count))
        kept = [mean.square().sum(), log_variance.exp().sum()]
        if config.discriminator is not None:
            both = torch.cat([label_map, label_map]), torch.cat([painted, faces])
            kept += [layer.abs().sum() for scale in parts["discriminator"](*both) for layer in scale]
        if config.segmentation_discriminator is not None:
            kept.append(parts["segmentation_discriminator"](painted).log_softmax(1).sum())
        if perceptual is not None:
            kept.append(perceptual(painted, faces))
        return kept

    return _measured(parts, {"generator", "encoder"}, forward, config.precision == "bf16")


def _assumed_patterns(ids: Tensor, labels: int) -> BatchPatterns:
    """As many patterns as label maps of faces have, and some more for loosely drawn ones: 8 % of 256², 31 % of 64²."""
    pixels, side = ids.numel(), ids.shape[-1]
    count = round(pixels * min(1.0, _PATTERNS / side))
    each, nine = ids.new_zeros(count), ids.new_zeros(count, 9)
    return BatchPatterns(nine[: count // 2], nine, each, each, each, ids.flatten())


def _of_spn(config: SpnRun) -> Footprint:
    """Of the step that takes more: the discriminator's, or the generator's with its own number of pictures."""
    spec, bf16 = config.generator, config.precision == "bf16"
    parts = {"generator": ResnetGenerator(spec), "discriminator": ResnetDiscriminator(config.discriminator)}

    def condition(count: int) -> Tensor | None:
        return torch.zeros(count, dtype=torch.int64) if spec.classes else None

    def generating(count: int) -> list[Tensor]:
        pictures = parts["generator"](torch.zeros(count, spec.z_channels), condition(count))
        return [parts["discriminator"](pictures, condition(count)).sum()]

    def judging(count: int) -> list[Tensor]:
        pictures = torch.zeros(2 * count, 3, spec.size, spec.size)
        return [parts["discriminator"](pictures, condition(2 * count)).sum()]

    larger, smaller = (_measured(parts, {"generator"}, forward, bf16) for forward in (generating, judging))
    each = round(larger.sample * config.generator_batch_size / config.batch_size)
    return replace(larger, sample=max(each, smaller.sample))


def _draws(config: SpadeRun, painter: Painter, count: int) -> StyleDraws:
    generator, cpu = painter.generator, torch.device("cpu")
    with cpu:
        drawn = style_draws(config, 0, count, sides=generator.noise_sides, blocks=len(generator.blocks), device=cpu)
    told = [each.to("meta") if isinstance(each, Tensor) else each for each in drawn]
    told[1] = [plane.to("meta") for plane in drawn.noise]
    return StyleDraws(*told)  # type: ignore[arg-type]


def _measured(
    parts: dict[str, nn.Module], averaged: Iterable[str], forward: Callable[[int], list[Tensor]], bf16: bool
) -> Footprint:
    parameters = {name: sum(each.numel() for each in part.parameters()) for name, part in parts.items()}
    trained, average = sum(parameters.values()), sum(parameters[name] for name in averaged if name in parameters)
    two, four = (_kept_for_backward(forward, count) for count in (2, 4))  # batch normalisation refuses a single number
    sample = (four - two) / 2 * (_BF16 if bf16 else 1.0)
    state = (3 * trained + average) * _BYTES
    # Gradients beside it; and a weight that is normalised or autocast exists a second time.
    fixed = state + 2 * trained * _BYTES
    return Footprint(parameters, round(fixed * 1.05), max(1, round(sample * _MARGIN)), state)


def _kept_for_backward(forward: Callable[[int], list[Tensor]], count: int) -> int:
    """Bytes of the tensors, each counted once, that autograd keeps after going forward."""
    kept: dict[int, torch.UntypedStorage] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage._cdata] = storage
        return tensor

    with ExitStack() as stack:
        stack.enter_context(torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor))
        results = forward(count)
    total = sum(storage.nbytes() for storage in kept.values())
    del results
    return total
