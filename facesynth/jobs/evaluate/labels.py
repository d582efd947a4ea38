"""`facesynth evaluate labels`: label maps that lie there already, compared with the true ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from facesynth.core.files import read_file
from facesynth.core.label_files import decode_label_map
from facesynth.core.labels import LabelMap, schema_named
from facesynth.core.refs import Digest, sha256_bytes
from facesynth.evaluation.segmentation.evaluation import Evaluation, MapsSubject
from facesynth.evaluation.segmentation.label_folders import MapPairs
from facesynth.evaluation.segmentation.scoring import Compared, Scores, Seen, compare
from facesynth.evaluation.subjects import Source
from facesynth.jobs.evaluate.comparing import comparing, require_scores
from facesynth.jobs.execution import Progress
from facesynth.report import installed_versions


def evaluate_labels(
    pairs: MapPairs,
    *,
    schema: str | None,
    truth_schema: str | None,
    progress: Progress,
    workers: int,
    settings: Mapping[str, Any],
) -> Evaluation:
    """Score label maps against the true ones of the same names, each at the size of the true one.

    The schemas are the orders of ids in files that do not say theirs. A map that cannot be used, or that is not there,
    is left out and listed; InputError where none is left, UsageError for an unknown schema.
    """
    for named in (schema, truth_schema):
        if named is not None:
            schema_named(named)
    scores = Scores()
    progress.begin(len(pairs), "evaluate labels")
    with comparing(scores, progress, workers) as work:
        for pair in pairs:
            if pair.predicted is None:
                work.leave_out(pair.name, str(pair.truth), f"no label map of this name in {pairs.predicted}")
            else:
                task = _task(pair.name, pair.truth, pair.predicted, truth_schema, schema)
                work.add(pair.name, str(pair.predicted), task)
    if pairs.untrue:
        progress.note(f"{pairs.untrue} label maps in {pairs.predicted} have no true one: passed by")
    require_scores(scores, pairs.predicted)
    return Evaluation(
        subject=MapsSubject(kind="label maps", name=str(pairs.predicted)),
        source=Source(data=str(pairs.truth), split=pairs.split, side=pairs.side, missing=pairs.missing),
        scores=scores,
        settings=settings,
        versions=installed_versions(),
    )


def _task(
    name: str, truth: Path, predicted: Path, truth_schema: str | None, schema: str | None
) -> Callable[[], tuple[Compared, Callable[[], Seen]]]:
    def look() -> Seen:
        return Seen(None, _read(truth, truth_schema)[0], _read(predicted, schema)[0])

    def compared() -> tuple[Compared, Callable[[], Seen]]:
        (true, digest), (said, said_digest) = _read(truth, truth_schema), _read(predicted, schema)
        one = compare(
            name,
            true,
            said,
            where=str(predicted),
            schema=truth_schema,
            digests=(digest,),
            predicted_digest=said_digest,
        )
        return one, look

    return compared


def _read(path: Path, schema: str | None) -> tuple[LabelMap, Digest]:
    data = read_file(path)
    return decode_label_map(data, str(path), schema=schema), sha256_bytes(data)
