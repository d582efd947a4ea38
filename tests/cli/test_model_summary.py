"""`facesynth model summary`: the table, its JSON, and an unknown name."""

from __future__ import annotations

import json
import subprocess
import sys

from click.testing import CliRunner

from facesynth.cli.model import model
from facesynth.core.errors import UsageError
from facesynth.models.resnet_gan.architectures import ARCHITECTURES


def told(*arguments: str) -> str:
    return CliRunner().invoke(model, ["summary", *arguments], catch_exceptions=False).stdout


def test_a_row_a_layer_and_all_of_them_as_table_6_has_it() -> None:
    lines = told("spn-32").splitlines()
    assert lines[1].split() == ["LAYER", "KIND", "OUTPUT", "PARAMETERS", "MULTIPLY-ADDS"]
    assert lines[2].split() == ["first", "Linear", "4096", "524,288", "524,288"]
    [total] = [line for line in lines if line.startswith("in all ")]
    assert total.split()[2:] == ["4,522,240", "1,793,982,464"]
    assert "four convolutions" in lines[-1]
    [total] = [line for line in told("sngan-32").splitlines() if line.startswith("in all ")]
    assert total.split()[2:] == ["4,073,728", "1,593,049,088"]


def test_each_network_of_bundled_weights_by_their_name() -> None:
    text = told("generator-spade-256-v2")
    headings = [line.partition(":")[0] for line in text.splitlines() if line.endswith("pixels")]
    assert sorted(headings) == ["discriminator", "encoder", "generator"] and text.count("in all ") == 3


def test_json_is_an_array_with_the_same_figures() -> None:
    [network] = json.loads(told("spn-32", "--json"))
    assert (network["parameters"], network["multiply_adds"]) == (4_522_240, 1_793_982_464)
    assert network["layers"][1]["output"] == [256, 8, 8]


def test_an_unknown_name_is_the_user_s_mistake() -> None:
    result = CliRunner().invoke(model, ["summary", "snp-32"])
    assert isinstance(result.exception, UsageError) and "did you mean" in str(result.exception) and not result.output


def test_help_tells_of_all_names_and_needs_no_torch() -> None:
    code = (
        "import sys\nfrom facesynth.cli.main import main\n"
        "try: main(['model', 'summary', '--help'])\nexcept SystemExit as end: assert end.code == 0\n"
        "assert 'torch' not in sys.modules"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    words = " ".join(told.replace("│", " ").split())
    for name in ARCHITECTURES:
        assert name.rpartition("-")[0] in words, name
