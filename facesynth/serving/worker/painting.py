"""How a worker paints: one picture with all of its cores, or several side by side, each with its share of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.styles import Style
from facesynth.inference.lanes import Lanes
from facesynth.inference.synthesizer import Synthesizer


class Painting:
    """Paints for several threads at once: the same pictures as the synthesizer by itself, to the bit.

    On a CPU a second core takes only a third off a picture's time: its layers wait for one another, and the patterns
    of its label map are looked for by one core anyway. So who paints alone gets all cores, and who comes while others
    paint gets a lane. The weights are laid out for each way apart: oneDNN lays those for another number of threads out
    anew at every call, which takes four times as long as painting.
    """

    def __init__(self, synthesizer: Synthesizer, batch_size: int) -> None:
        """`batch_size`: of faces that a device other than a CPU paints at once."""
        self._wide, self._batch_size = synthesizer, batch_size
        self._lanes = Lanes(None if synthesizer.device.type == "cpu" else 1)
        self.side_by_side = self._lanes.cores.lanes
        """So many threads at once are of use."""
        self._narrow = synthesizer
        if self.side_by_side > 1:
            self._narrow = self._lanes.map(Synthesizer.laid_out_here, [synthesizer])[0]
        self._now, self._counting = 0, threading.Lock()

    def __call__(self, labels: Sequence[LabelMap], styles: Sequence[Style]) -> list[Photo]:
        """One face a (label map, style). Raises as the synthesizer does."""
        with self._alone() as alone:
            if alone or self._narrow is self._wide:
                return self._wide(labels, styles, batch_size=self._batch_size)
            return self._lanes.map(lambda some: self._narrow(*some, batch_size=self._batch_size), [(labels, styles)])[0]

    def warm_up(self, labels: LabelMap) -> None:
        """Paint both ways."""
        for seed in range(2):
            style = Style.from_seed(seed)
            self._wide([labels], [style], batch_size=self._batch_size)
            self._lanes.map(lambda style: self._narrow([labels], [style], batch_size=self._batch_size), [style])

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether nobody else paints, at the beginning."""
        with self._counting:
            self._now += 1
            alone = self._now == 1
        try:
            yield alone
        finally:
            with self._counting:
                self._now -= 1
