"""The one tree of errors: each says what happened, where, and what to do next."""

from __future__ import annotations

from os import PathLike, fspath


class FacesynthError(Exception):
    """Base of every error that a user may see.

    `what` is the fault, `where` the file, key or option it lies in, `hint` the next step.
    """

    def __init__(self, what: str, *, where: str | PathLike[str] | None = None, hint: str | None = None) -> None:
        super().__init__(what, where, hint)
        self.what = what
        self.where = None if where is None else fspath(where)
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.what, self.where, self.hint)

    def __str__(self) -> str:
        located = f"{self.where}: {self.what}" if self.where else self.what
        return f"{located}; {self.hint}" if self.hint else located


def _rebuild(kind: type[FacesynthError], what: str, where: str | None, hint: str | None) -> FacesynthError:
    error = kind.__new__(kind)
    FacesynthError.__init__(error, what, where=where, hint=hint)
    return error


class InputError(FacesynthError):
    """One item of the input cannot be used; the others can."""


class ImageError(InputError):
    """A file is not an image that can be read."""


class LabelMapError(InputError):
    """A label map holds a value, colour, size or schema that it must not."""


class UsageError(FacesynthError):
    """The command or call as a whole makes no sense (exit code 2)."""


class OutputError(FacesynthError):
    """A result cannot be written where it was asked for."""


class ConfigError(FacesynthError):
    """A pipeline file, or a value that overrides it, is wrong."""


class WeightsError(FacesynthError):
    """A weights file cannot be used."""


class WeightsMissing(WeightsError):
    """A weights file is named but does not lie on this disk."""


class WeightsDamaged(WeightsError):
    """A weights file differs from its sha256, or is not what it says."""


class StyleError(FacesynthError):
    """A style does not belong to the generator that it is given to."""


class CacheError(FacesynthError):
    """The cache folder cannot be read or written."""


class DeviceError(FacesynthError):
    """The device that was asked for is absent or too small."""


class TrainingError(FacesynthError):
    """A training run cannot start, go on, or has diverged."""


class DependencyMissing(FacesynthError):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed", hint=f'run: pip install "facesynth[{extra}]"')
