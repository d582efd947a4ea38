"""The weights of a run's best moment and of its last validation, each a file like the finished one."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from facesynth.core.errors import TrainingError
from facesynth.core.files import replacing

Save = Callable[[Path, int, Mapping[str, str]], None]
"""Write the averaged networks after so many images to a file, with more to say of them in its metadata."""

_HIGHER_IS_BETTER = ("accuracy", "iou", "f1", "inception_score", "diversity")


class Keeper:
    """Writes NAME-last.safetensors at each validation, and NAME-best.safetensors where a score was never as good."""

    def __init__(self, folder: Path, name: str, measures: Sequence[str], images: int, save: Save) -> None:
        """Goes by the first of the `measures` (names, or what stands before a `/` in them) that a validation tells.

        `images` is how many the whole run shows.
        """
        self.best, self.last = folder / f"{name}-best.safetensors", folder / f"{name}-last.safetensors"
        self._record, self._measures, self._images, self._save = folder / "best.json", measures, images, save

    def __call__(self, nimg: int, scores: Mapping[str, float]) -> None:
        """Hear the scores of a validation. TrainingError where no measure to go by is one of them."""
        if not scores:
            return
        found = [name for wanted in self._measures for name in scores if f"{name}/".startswith(f"{wanted}/")]
        if not found:
            raise TrainingError(
                f"no validation tells {' or '.join(self._measures)}",
                where=self.best.parent,
                hint=f"name another to go by, as --set best={next(iter(scores))}, or none: --set best=null",
            )
        measure, value = found[0], scores[found[0]]
        told = {"score": f"{measure} {value:.6g}"}
        if math.isfinite(value) and self._is_better(measure, value):
            self._save(self.best, nimg, told)
            with replacing(self._record) as draft:
                draft.write_text(json.dumps({"measure": measure, "value": value, "nimg": nimg}) + "\n")
        if nimg < self._images:
            self._save(self.last, nimg, told)
        else:
            self.last.unlink(missing_ok=True)  # the finished weights are the last ones

    def _is_better(self, measure: str, value: float) -> bool:
        """Whether it is better than what is kept; where that went by another measure, or is gone, it is."""
        try:
            kept = json.loads(self._record.read_text(encoding="utf-8"))
            before = float(kept["value"]) if kept["measure"] == measure and self.best.is_file() else None
        except (OSError, ValueError, KeyError, TypeError):
            return True
        if before is None:
            return True
        return value > before if measure.rpartition("/")[2].endswith(_HIGHER_IS_BETTER) else value < before
