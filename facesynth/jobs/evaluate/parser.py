"""`facesynth evaluate parser`: held-out faces parsed, through the cache, and compared with their true label maps."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from typing import Any, Protocol, runtime_checkable

from facesynth.core.faces import Face
from facesynth.core.files import read_file
from facesynth.core.label_files import decode_label_map
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Digest, Done, Failed, sha256_bytes
from facesynth.datasets.pairs import Pair
from facesynth.evaluation.held_out import HeldOut
from facesynth.evaluation.segmentation.evaluation import Evaluation, MapsSubject
from facesynth.evaluation.segmentation.scoring import Compared, Scores, Seen, compare
from facesynth.evaluation.subjects import Source
from facesynth.inference.foreign.header import is_foreign
from facesynth.jobs.evaluate.comparing import comparing, require_scores
from facesynth.jobs.evaluate.picture_items import FaceOfPair, changed
from facesynth.jobs.execution import Execution
from facesynth.pipeline import run
from facesynth.report import installed_versions
from facesynth.stages.base import Stage


class ParserStage(Stage[Face, LabelMap], Protocol):
    """A stage that parses faces and says how it computes: `segment`."""

    precision: str
    device: str
    engine: str


@runtime_checkable
class TellsEngine(Protocol):
    """A stage that tells which engine it computes with once it has begun: what `auto` has come to."""

    @property
    def ran(self) -> str | None: ...


def evaluate_parser(
    held_out: HeldOut, stage: ParserStage, execution: Execution, *, name: str, settings: Mapping[str, Any]
) -> Evaluation:
    """Parse held-out faces and score them against their label maps, each at the size of its label map.

    `name` is what the parser is called: its weights or its file. Label maps go through the store: an evaluation that
    was stopped goes on. A face that cannot be used is left out and listed; InputError where none is left.
    """
    scores, counts = Scores(), {True: 0, False: 0}
    execution.progress.begin(len(held_out), "evaluate parser")
    sha256 = stage.weights["parser"]
    if held_out.missing:
        named = ", ".join(held_out.missing[:3]) + (", …" if len(held_out.missing) > 3 else "")
        execution.progress.note(f"{len(held_out.missing)} names of the split belong to no face here: {named}")
    execution.on_weights([sha256])
    waiting: deque[Pair] = deque()

    def feed() -> Generator[FaceOfPair, None, None]:
        for pair in held_out:
            waiting.append(pair)
            yield FaceOfPair(pair)

    with (
        comparing(scores, execution.progress, execution.workers) as work,
        closing(
            run(
                stage,
                feed(),
                execution.store,
                batch_size=execution.batch_size,
                workers=execution.workers,
                force=execution.force,
                on_mended=lambda origin, message: execution.progress.note(message),
            )
        ) as results,
    ):
        for result in results:
            pair = waiting.popleft()
            if isinstance(result, Done):
                counts[result.cached] += 1
                work.add(pair.name, str(pair.labels), _task(pair, result))
            else:
                work.leave_out(
                    pair.name, str(pair.image), result.error if isinstance(result, Failed) else result.reason
                )
    require_scores(scores, held_out.data)
    subject = MapsSubject(
        kind="parser",
        name=name,
        sha256=sha256,
        precision=stage.precision,
        declared=_declared(stage.config),
        device=_device(stage, name) if counts[False] else None,
        engine=_engine(stage, name) if counts[False] else None,
        computed=counts[False],
        cached=counts[True],
    )
    source = Source(data=str(held_out.data), split=held_out.split, side=held_out.side, missing=held_out.missing)
    return Evaluation(subject=subject, source=source, scores=scores, settings=settings, versions=installed_versions())


def _task(pair: Pair, result: Done[LabelMap]) -> Callable[[], tuple[Compared, Callable[[], Seen]]]:
    def look() -> Seen:
        return Seen(FaceOfPair(pair).identify().load().photo, _truth(pair)[0], result.ref.load())

    def compared() -> tuple[Compared, Callable[[], Seen]]:
        truth, digest = _truth(pair)
        image = FaceOfPair(pair).identify().digest
        return (
            compare(
                pair.name,
                truth,
                result.ref.load(),
                where=str(pair.labels),
                schema=pair.schema,
                digests=(image, digest),
                predicted_digest=result.ref.identify().digest,
            ),
            look,
        )

    return compared


def _truth(pair: Pair) -> tuple[LabelMap, Digest]:
    """The true label map, and the sha256 of its file."""
    data = read_file(pair.labels)
    digest = sha256_bytes(data)
    if pair.labels_sha256 is not None and digest != pair.labels_sha256:
        raise changed(pair.labels)
    return decode_label_map(data, str(pair.labels), schema=pair.schema), digest


def _declared(config: Mapping[str, object]) -> str | None:
    """What was declared of another project's parser, in words; None where nothing was."""
    told = []
    if config.get("schema") is not None:
        told.append(f"classes as {config['schema']}")
    if isinstance(found := config.get("input"), Mapping) and found:
        told.append("input " + " ".join(f"{key}={value}" for key, value in found.items()))
    return ", ".join(told) or None


def _engine(stage: ParserStage, name: str) -> str:
    """What ran the parser: by name an engine runs or the run ends, `auto` takes ONNX Runtime for an ONNX file."""
    if isinstance(stage, TellsEngine) and stage.ran is not None:
        return stage.ran
    return "onnx" if stage.engine == "auto" and is_foreign(name) else stage.engine


def _device(stage: ParserStage, name: str) -> str:
    """Where the parser computed: another project's is left to the CPU unless a device is named."""
    from facesynth.inference.engines.choice import engine_device  # torch, which computed

    return str(engine_device(stage.engine, "cpu" if is_foreign(name) and stage.device == "auto" else stage.device))
