"""How classes and their weights are written on the command line."""

from __future__ import annotations

import click
import pytest

from facesynth.cli.class_values import ClassWeights, Names


def test_names_are_taken_as_they_are() -> None:
    taken = Names("layers", "1,last")
    assert taken.convert("cat, 3,Great Dane", None, None) == ("cat", "3", "Great Dane")
    for wrong in ("", "cat,,dog", ","):
        with pytest.raises(click.BadParameter, match="no list of layers; write it like 1,last"):
            taken.convert(wrong, None, None)


def test_weights_are_numbers_by_name() -> None:
    found = ClassWeights().convert("Smiling=1, a=b=-0.5", None, None)
    assert found == {"Smiling": 1.0, "a=b": -0.5} and ClassWeights().convert(found, None, None) == found
    for wrong in ("Smiling", "=1", "Smiling=", "Smiling=yes", "Smiling=nan", "Smiling=inf", ""):
        with pytest.raises(click.BadParameter, match="as Smiling=1"):
            ClassWeights().convert(wrong, None, None)
    with pytest.raises(click.BadParameter, match="given twice"):
        ClassWeights().convert("a=1,a=2", None, None)
