from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from facesynth.core import errors
from facesynth.core.errors import DependencyMissing, FacesynthError, ImageError, InputError, LabelMapError

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, FacesynthError)]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (FacesynthError("it broke"), "it broke"),
        (FacesynthError("it broke", where="a.png"), "a.png: it broke"),
        (FacesynthError("it broke", hint="mend it"), "it broke; mend it"),
        (FacesynthError("it broke", where=Path("b") / "a.png", hint="mend it"), "b/a.png: it broke; mend it"),
    ],
)
def test_says_what_where_and_what_next(error: FacesynthError, text: str) -> None:
    assert str(error) == text


def test_a_missing_package_names_the_command_that_brings_it() -> None:
    assert str(DependencyMissing("uvicorn", "serve")) == 'uvicorn is not installed; run: pip install "facesynth[serve]"'


@pytest.mark.parametrize("kind", KINDS)
def test_survives_the_way_from_another_process(kind: type[FacesynthError]) -> None:
    error = kind("serve", "uvicorn") if kind is DependencyMissing else kind("broke", where="a.png", hint="mend it")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(again) is kind
    assert (again.what, again.where, again.hint, str(again)) == (error.what, error.where, error.hint, str(error))


def test_a_bad_item_can_be_told_from_a_bad_command() -> None:
    assert issubclass(ImageError, InputError)
    assert issubclass(LabelMapError, InputError)
    assert not issubclass(errors.UsageError, InputError)
