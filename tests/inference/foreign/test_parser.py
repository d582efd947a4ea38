"""Other people's parsers: every form of graph gives the labels of the same network as a module."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from facesynth.core.errors import UsageError, WeightsError
from facesynth.core.labels import LABEL_NAMES, LabelMap
from facesynth.inference.foreign.declaration import InputDeclaration, Intake
from facesynth.inference.foreign.header import metadata_of
from facesynth.inference.parser import Parser
from tests.inference.exported_parsers import Enlarged, EvenSided, Like, TinyNet, drawn_face, export, own_parser

FACES = [drawn_face(0), drawn_face(1, 64), drawn_face(2, 130)]
CPU = torch.device("cpu")


def expected(intake: Intake | None = None, network: nn.Module | None = None) -> Sequence[LabelMap]:
    """What the same network says as a module in our own order."""
    intake = intake or Intake(height=64, width=64)
    return Parser((network or TinyNet()).eval(), intake, device=CPU, dtype=torch.float32)(FACES)


def equal(found: Sequence[LabelMap], wanted: Sequence[LabelMap]) -> bool:
    return all(np.mean(a.ids == b.ids) >= 0.999 for a, b in zip(found, wanted, strict=True))


def test_the_drawn_faces_hold_several_labels() -> None:
    assert all(len(np.unique(labels.ids)) > 3 for labels in expected())


@pytest.mark.parametrize("schema", ["zllrunning", "facer", "segface", "celebamask-hq"])
@pytest.mark.parametrize("form", ["segformer", "bisenet", "channels-last output", "features first"])
def test_logits_are_found_and_brought_into_our_order(form: str, schema: str, tmp_path: Path) -> None:
    path = export(tmp_path / "p.onnx", Like(form, schema), (1, 3, 64, 64))
    parser = Parser.load(path, schema=schema)
    wanted = expected(network=Enlarged() if form == "bisenet" else None)
    assert equal(parser(FACES, batch_size=2), wanted)
    for probabilities, labels in zip(parser.probabilities(FACES), wanted, strict=True):
        assert probabilities.shape == (len(LABEL_NAMES), labels.height, labels.width)
        np.testing.assert_allclose(probabilities.sum(0), 1, atol=1e-5)
        assert np.mean(probabilities.argmax(0) == labels.ids) >= 0.999


def test_channels_may_come_last(tmp_path: Path) -> None:
    path = export(tmp_path / "p.onnx", Like("channels-last input", "facer"), (1, 64, 64, 3))
    assert equal(Parser.load(path, schema="facer")(FACES), expected())


def test_labels_alone_are_taken_and_have_no_probabilities(tmp_path: Path) -> None:
    path = export(tmp_path / "p.onnx", Like("ids", "zllrunning"), (1, 3, 64, 64))
    parser = Parser.load(path, schema="zllrunning")
    for found, labels in zip(parser(FACES), expected(), strict=True):
        assert found.ids.shape == labels.ids.shape and np.mean(found.ids == labels.ids) > 0.7, "at a quarter the size"
    with pytest.raises(UsageError, match="answers with labels, not with probabilities"):
        parser.probabilities(FACES)


@pytest.mark.parametrize("form", ["softmax", "softmax, channels last"])
def test_a_graph_that_ends_in_softmax_keeps_its_own_probabilities(form: str, tmp_path: Path) -> None:
    path = export(tmp_path / "p.onnx", Like(form, "facer"), (1, 3, 64, 64))
    sharper = TinyNet()
    sharper.head.weight.data *= 10
    sharper.head.bias.data *= 10  # type: ignore[union-attr]
    wanted = Parser(sharper.eval(), Intake(height=64, width=64), device=CPU, dtype=torch.float32)
    parser = Parser.load(path, schema="facer")
    for found, likely in zip(parser.probabilities(FACES), wanted.probabilities(FACES), strict=True):
        assert likely.max(0).mean() > 0.3
        np.testing.assert_allclose(found, likely, atol=1e-3)


def test_features_that_are_19_wide_are_no_classes(tmp_path: Path) -> None:
    path = export(tmp_path / "p.onnx", Like("features first", "facer"), (1, 3, 76, 76))
    assert equal(Parser.load(path, schema="facer")(FACES), expected(Intake(height=76, width=76)))
    path = export(tmp_path / "wide.onnx", nn.Conv2d(3, 5, 4, stride=4), (1, 3, 76, 76))
    with pytest.raises(WeightsError, match=r"outputs are 1×5×19×19 .* none has the 19 classes"):
        Parser.load(path, schema="facer")


@pytest.mark.parametrize("engine", ["onnx", "openvino"])
def test_a_graph_that_fails_on_a_picture_s_size_is_told_once(
    engine: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = export(tmp_path / "p.onnx", EvenSided(), (1, 3, 64, 64), dynamic=(2, 3))
    told = r"p\.onnx: .* cannot run it on a batch of 1×3×68×68 \(.*68×68 pixels: declare .* --parser-input size=SIZE"
    with pytest.raises(WeightsError, match=told):
        Parser.load(path, schema="facer", engine=engine, declared=InputDeclaration(size=68))
    assert capfd.readouterr().err == "", "the engine prints nothing of its own"


def test_labels_that_are_none_of_ours_are_told_with_the_file(tmp_path: Path) -> None:
    path = export(tmp_path / "p.onnx", _Beyond(), (1, 3, 64, 64))
    with pytest.raises(WeightsError, match=r"p\.onnx: the parser answers with labels from 30 to 30"):
        Parser.load(path, schema="facer")(FACES)


class _Beyond(nn.Module):
    """Answers with a label that there is not."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.argmax(1) * 0 + 30


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_a_fixed_batch_is_fed_piece_by_piece(batch: int, tmp_path: Path) -> None:
    path = export(tmp_path / "p.onnx", Like("segformer", "facer"), (batch, 3, 64, 64))
    for batch_size in (1, 2, 5):
        assert equal(Parser.load(path, schema="facer")(FACES, batch_size=batch_size), expected())


@pytest.mark.parametrize("engine", ["auto", "onnx", "openvino"])
def test_open_axes_take_the_declared_size(engine: str, tmp_path: Path) -> None:
    path = export(tmp_path / "p.onnx", Like("segformer", "facer"), (1, 3, 64, 64), dynamic=(0, 2, 3))
    declared = InputDeclaration(size=96)
    parser = Parser.load(path, schema="facer", declared=declared, engine=engine)
    assert equal(parser(FACES, batch_size=2), expected(Intake(height=96, width=96)))
    assert Parser.load(path, schema="facer").intake == Intake(height=512, width=512)


@pytest.mark.parametrize("normalisation", ["imagenet", "0..1", "-1..1", "0..255"])
@pytest.mark.parametrize("order", ["rgb", "bgr"])
def test_the_input_is_as_declared(normalisation: str, order: str, tmp_path: Path) -> None:
    """The network passes three channels on: what it sees comes out."""
    shown = nn.Conv2d(3, 19, 1, bias=False)
    shown.weight.data = torch.eye(19, 3).view(19, 3, 1, 1)
    path = export(tmp_path / "p.onnx", shown, (1, 3, 64, 64))
    parser = Parser.load(
        path,
        schema="celebamask-hq",
        declared=InputDeclaration.parse([f"normalisation={normalisation}", f"order={order}"]),
    )
    network, outputs = parser.network, []

    def watched(x: Tensor) -> Tensor:
        outputs.append(network(x))
        return outputs[-1]

    parser.network = watched
    parser([FACES[1]])
    seen = outputs[0][0, :3].permute(1, 2, 0).numpy()
    levels = FACES[1].pixels.astype(np.float64)
    wanted = {
        "imagenet": (levels / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225],
        "0..1": levels / 255,
        "-1..1": levels / 127.5 - 1,
        "0..255": levels,
    }[normalisation]
    np.testing.assert_allclose(seen, wanted[..., ::-1] if order == "bgr" else wanted, atol=1e-4)


def test_what_is_missing_or_contradicts_the_graph_is_told(tmp_path: Path) -> None:
    path = export(tmp_path / "p.onnx", TinyNet(), (1, 3, 64, 64))
    with pytest.raises(UsageError, match=r"p\.onnx: the file does not say in which order.*add --schema"):
        Parser.load(path)
    with pytest.raises(UsageError, match="unknown label schema 'mine'"):
        Parser.load(path, schema="mine")
    with pytest.raises(UsageError, match="size=32 is declared, but the graph takes 64×64"):
        Parser.load(path, schema="facer", declared=InputDeclaration(size=32))
    with pytest.raises(UsageError, match="the engine eager runs no ONNX file"):
        Parser.load(path, schema="facer", engine="eager")
    with pytest.raises(UsageError, match="in its own precision"):
        Parser.load(path, schema="facer", precision="bf16")
    with pytest.raises(WeightsError, match="the file changed while it was being read"):
        Parser.load(path, schema="facer", sha256="0" * 64)


def test_graphs_that_are_no_parsers_are_told(tmp_path: Path) -> None:
    path = export(tmp_path / "eleven.onnx", TinyNet(classes=11), (1, 3, 64, 64))
    with pytest.raises(WeightsError, match=r"outputs are 1×11×16×16 of torch.float32: none has the 19 classes"):
        Parser.load(path, schema="facer")
    path = export(tmp_path / "grey.onnx", nn.Conv2d(1, 19, 1), (1, 1, 64, 64))
    with pytest.raises(WeightsError, match=r"its input is of shape \[1, 1, 64, 64\]; a parser takes one float image"):
        Parser.load(path, schema="facer")
    path = export(tmp_path / "flat.onnx", nn.Linear(8, 19), (1, 8))
    with pytest.raises(WeightsError, match=r"its input is tensor\(float\) of shape \[1, 8\]"):
        Parser.load(path, schema="facer")


def test_a_file_that_is_no_onnx_is_told_wherever_it_is_cut(tmp_path: Path) -> None:
    data = export(tmp_path / "p.onnx", TinyNet(), (1, 3, 64, 64)).read_bytes()
    assert metadata_of(data, "p.onnx") == {}
    own = own_parser(tmp_path / "own.safetensors").read_bytes()
    for wrong in (b"", b"no", b"\x89PNG\r\n\x1a\n" + bytes(40), own, data[: len(data) // 2]):
        (tmp_path / "bad.onnx").write_bytes(wrong)
        with pytest.raises(WeightsError, match=r"bad\.onnx: is not a whole ONNX file"):
            Parser.load(tmp_path / "bad.onnx", schema="facer")


def test_own_weights_take_no_declarations(tmp_path: Path) -> None:
    path = own_parser(tmp_path / "own.safetensors")
    with pytest.raises(UsageError, match="--write-schema facer"):
        Parser.load(path, schema="facer")
    with pytest.raises(UsageError, match="--parser-input is for a foreign parser"):
        Parser.load(path, declared=InputDeclaration(size=64))


class Pooled(nn.Module):
    """A classifier of 19 classes: one answer about all of the picture, as logits or as a label."""

    def __init__(self, *, label: bool) -> None:
        super().__init__()
        self.net, self.label = TinyNet(), label

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.net(x).mean((2, 3), keepdim=True)
        return logits.argmax(1) if self.label else logits


@pytest.mark.parametrize("label", [True, False])
def test_a_classifier_is_no_parser(label: bool, tmp_path: Path) -> None:
    path = export(tmp_path / "p.onnx", Pooled(label=label), (1, 3, 64, 64))
    with pytest.raises(WeightsError, match="none has the 19 classes of a face parser at each pixel"):
        Parser.load(path, schema="facer")


def test_no_probabilities_names_the_file(tmp_path: Path) -> None:
    path = export(tmp_path / "p.onnx", Like("ids", "facer"), (1, 3, 64, 64))
    with pytest.raises(UsageError, match=r"p\.onnx: this parser answers with labels"):
        Parser.load(path, schema="facer").probabilities(FACES)
