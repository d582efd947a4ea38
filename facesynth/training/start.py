"""Training runs from their records: what they learn from is opened, and every rank started."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from facesynth.core.errors import UsageError
from facesynth.datasets.packed import identify
from facesynth.store import ArtifactStore
from facesynth.training.fit_parser import fit_parser
from facesynth.training.fit_spade import fit_spade
from facesynth.training.fit_spn import fit_spn
from facesynth.training.launch import check_devices, check_place, make_fabric, other_ranks
from facesynth.training.loop import Report
from facesynth.training.opening import UNHEARD, Listening, OnNote, OnPacked, Opened, Order, opened, unheard
from facesynth.training.parser.lessons import Lessons, load_lessons
from facesynth.training.parser.material import Material, material, unlabelled_faces
from facesynth.training.place import ALONE, Place
from facesynth.training.runs.checks import require_shares
from facesynth.training.runs.parser import ParserRun
from facesynth.training.runs.spade import SpadeRun
from facesynth.training.runs.spn import SpnRun
from facesynth.training.spn.opening import opened_images
from facesynth.training.srun import meeting

__all__ = ["make_fabric", "train_parser", "train_spade", "train_spn"]


def train_parser(
    config: ParserRun,
    runs: Path,
    *,
    base: Path,
    store: ArtifactStore | None = None,
    device: str = "auto",
    devices: int = 1,
    own: Place = ALONE,
    report: Report,
    on_packed: OnPacked = unheard,
    on_note: OnNote = unheard,
) -> Path | None:
    """Train a face parser, or go on with it; returns its weights file, or None when a signal stopped it.

    `base` is the folder that relative paths of the pipeline file start from. The run lives in `runs`/NAME, its packed
    pairs in `store`, or without one in the run's own folder. With several `devices` there is a process for each, which
    imports the program's main module: that has to start nothing when it is imported. Raises UsageError where a batch
    cannot be shared out to so many, and DeviceError where they are not there or their memory does not suffice.

    Where srun has started a process for each rank, all of them call this, each with its `own` place, in place of
    `devices`; the first returns as said, the others None.
    """
    _check(config, device, devices, own)
    order = Order(config, runs, base, _cache(store, runs / config.name), device)
    if own.rank:
        with meeting(own):
            parser_rank(order, own)
        return None
    listening = Listening(report, on_packed, on_note)
    with (
        meeting(own) as begin,
        _parser_opened(order, ALONE, listening) as (begun, learnt_from, taught),
        other_ranks(devices, partial(parser_rank, order), own) as place,
    ):
        begin()
        return fit_parser(order, place, begun, learnt_from, taught, listening)


def train_spade(
    config: SpadeRun,
    runs: Path,
    *,
    base: Path,
    store: ArtifactStore | None = None,
    device: str = "auto",
    devices: int = 1,
    own: Place = ALONE,
    report: Report,
    on_packed: OnPacked = unheard,
    on_note: OnNote = unheard,
) -> Path | None:
    """Train encoder, generator and discriminators, or go on with it; returns the weights file, or None when stopped.

    The file holds generator and encoder; the discriminators stay in the run's checkpoints, unless the run says that
    they be kept. For the rest see `train_parser`.
    """
    _check(config, device, devices, own)
    order = Order(config, runs, base, _cache(store, runs / config.name), device)
    if own.rank:
        with meeting(own):
            spade_rank(order, own)
        return None
    listening = Listening(report, on_packed, on_note)
    with (
        meeting(own) as begin,
        opened(order, ALONE, config.packed_size, on_packed) as begun,
        other_ranks(devices, partial(spade_rank, order), own) as place,
    ):
        begin()
        return fit_spade(order, place, begun, listening)


def train_spn(
    config: SpnRun,
    runs: Path,
    *,
    base: Path,
    store: ArtifactStore | None = None,
    device: str = "auto",
    devices: int = 1,
    own: Place = ALONE,
    report: Report,
    on_packed: OnPacked = unheard,
    on_note: OnNote = unheard,
) -> Path | None:
    """Train a residual generator and its discriminator, or go on; returns the weights file, or None when stopped.

    The file holds the generator and the names of its classes. For the rest see `train_parser`.
    """
    _check(config, device, devices, own)
    order = Order(config, runs, base, _cache(store, runs / config.name), device)
    if own.rank:
        with meeting(own):
            spn_rank(order, own)
        return None
    with (
        meeting(own) as begin,
        opened_images(order, ALONE, on_packed) as begun,
        other_ranks(devices, partial(spn_rank, order), own) as place,
    ):
        begin()
        return fit_spn(order, place, begun, Listening(report, on_packed, on_note))


def parser_rank(order: Order[ParserRun], place: Place) -> None:
    """Train a parser as one of several ranks, for which a process was started."""
    with _parser_opened(order, place, UNHEARD) as (begun, learnt_from, taught):
        fit_parser(order, place, begun, learnt_from, taught, UNHEARD)


def spade_rank(order: Order[SpadeRun], place: Place) -> None:
    """Train a generator as one of several ranks, for which a process was started."""
    with opened(order, place, order.config.packed_size, unheard) as begun:
        fit_spade(order, place, begun, UNHEARD)


def spn_rank(order: Order[SpnRun], place: Place) -> None:
    """Train a residual generator as one of several ranks, for which a process was started."""
    with opened_images(order, place, unheard) as begun:
        fit_spn(order, place, begun, UNHEARD)


@contextmanager
def _parser_opened(
    order: Order[ParserRun], place: Place, listening: Listening
) -> Iterator[tuple[Opened, Material, Lessons]]:
    """What a parser learns from: pairs, their census and faces without label maps, and finished networks."""
    config, base, on_packed = order.config, order.base, listening.on_packed
    lessons = load_lessons(config, base)
    digests = [*lessons.digests, *(identify(faces).digest for faces in unlabelled_faces(config, base).values())]
    store = ArtifactStore(order.cache)
    with (
        opened(order, place, config.packed_size, on_packed, digests) as begun,
        material(config, base, begun.pairs, store=store, notes=begun.folder.path, on_packed=on_packed) as learnt_from,
    ):
        yield begun, learnt_from, lessons


def _check(config: ParserRun | SpadeRun | SpnRun, device: str, devices: int, own: Place) -> None:
    """Raise UsageError and DeviceError where these devices cannot train this run."""
    if own.srun:
        check_place(device, own)
        if devices not in (1, own.here):
            what = f"--devices {devices} is another number than srun's: it has started {own.here} tasks on each machine"
            raise UsageError(what, hint="leave --devices out")
        require_shares(config, own.ranks)
        return
    check_devices(device, devices)
    require_shares(config, devices)


def _cache(store: ArtifactStore | None, folder: Path) -> Path:
    return folder / "cache" if store is None else store.root
