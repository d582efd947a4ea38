"""The command line as a whole: help, errors, exit codes, and what is not imported."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from facesynth.cli.main import COMMANDS, cli, main
from facesynth.core.errors import DeviceError, UsageError

OWN = ("align", "segment", "train", "synthesize", "transfer", "run")


def leaves() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command and sub-command that does something, with its words."""
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None and command.name == name
        if isinstance(command, click.Group):
            for below in command.list_commands(context):
                each = command.get_command(context, below)
                assert each is not None
                yield (name, below), each
        else:
            yield (name,), command


def examples(command: click.Command) -> list[list[str]]:
    """The words of the examples in a command's help."""
    lines = [line.strip() for line in (command.help or "").splitlines()]
    return [shlex.split(line.removeprefix("Example: ")) for line in lines if line.startswith("Example: ")]


def ended(arguments: list[str]) -> int:
    """The exit code of the command line."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.mark.parametrize(
    ("words", "command"), [*leaves()], ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_every_command_has_help_with_examples_that_parse(
    words: tuple[str, ...],
    command: click.Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ended([*words, "--help"]) == 0
    assert capsys.readouterr().out.count("Example: ") >= 1
    told = examples(command)
    assert len(told) >= (2 if words[0] in OWN else 1)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "portrait.jpg").touch()
    for folder in ("pairs", "cifar"):
        (tmp_path / folder).mkdir()
    for line in told:
        assert line[: len(words) + 1] == ["facesynth", *words]
        command.make_context(words[-1], line[len(words) + 1 :])  # raises for an option that is not there


def test_help_lists_every_command_and_imports_neither_torch_nor_numpy() -> None:
    code = (
        "import sys\nfrom facesynth.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit as end: assert end.code == 0\n"
        "assert not {'torch', 'cv2', 'pydantic'} & set(sys.modules), 'imported'"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert all(name in told for name in COMMANDS)


def test_without_a_command_it_tells_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    ended([])
    told = capsys.readouterr()
    assert "unexpected" not in told.err and all(name in told.out + told.err for name in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["algn"], 2, "did you mean align?"),
        (["dataset", "imprt"], 2, "did you mean import?"),
        (["evaluate", "lables"], 2, "did you mean labels?"),
        (["align"], 2, "PHOTOS"),
        (["align", "photos", "-o", "out", "--sise", "3"], 2, "--size"),
        (["align", "photos", "-o", "out", "--device", "tpu"], 2, "auto|cpu|cuda|cuda:N|mps"),
        (["align", "photos", "-o", "out", "--batch-size", "0"], 2, "batch-size"),
        (["align", "nowhere", "-o", "out"], 2, "error: nowhere: no such file or folder"),
        (["align", "photos", "-o", "photos/out"], 2, "inside the input folder"),
        (["segment", "photos", "-o", "out", "--aligned", "--on-photo"], 2, "--on-photo needs photos"),
        (["align", "photos", "-o", "out", "--device", "cuda:99"], 1, "device cuda:99 is not there"),
        (["run", "demo.yaml", "photos", "-o", "out", "--device", "cuda:99", "--dry-run"], 1, "use --device cpu"),
        (["train", "tiny.yaml", "--device", "cuda:99", "--dry-run"], 1, "device cuda:99 is not there"),
        (["align", "photos", "-o", "out", "--precision", "bf16"], 2, "faces are found at float32 alone"),
        (["align", "photos", "-o", "out", "--size", "4096"], 2, "--size"),
        (["align", "photos", "-o", "out", "--cache", "c", "--no-cache"], 2, "give one of them"),
        (["align", "photos", "-o", "out", "--dry-run", "--report", "r.json"], 2, "there is no --report"),
        (["segment", "photos", "-o", "out", "--aligned", "--landmarks", "auto"], 2, "--landmarks is for photos"),
        (["segment", "photos", "-o", "out", "--schema", "mine"], 2, "use one of: celebamask-hq, "),
        (["segment", "photos", "-o", "out", "--parser", "nope"], 1, "run: facesynth weights list"),
        (["synthesize", "photos", "-o", "out", "--seeds", "3-1"], 2, "0,3,8-15"),
        (["synthesize", "photos", "-o", "out", "--seeds", "1", "--style", "a.jpg"], 2, "a.jpg"),
        (["synthesize", "photos", "-o", "out", "--seeds", "1", "--interpolate", "1", "2"], 2, "exclude one another"),
        (["synthesize", "photos", "-o", "out", "--frames", "8"], 2, "--frames is for --interpolate"),
        (["synthesize", "photos", "-o", "out", "--seeds", "1", "--frames", "3"], 2, "--frames is for --interpolate"),
        (["transfer", "photos", "-o", "out"], 2, "--style"),
        (["transfer", "photos", "-o", "out", "--style", "p.jpg", "--strength", "nan"], 2, "no number from 0 to 1"),
        (["transfer", "photos", "-o", "out", "--style", "p.jpg", "--strength", "1.5"], 2, "not in the range"),
        (["transfer", "photos", "-o", "out", "--style", "p.jpg", "--report", "p.jpg"], 2, "would replace an input"),
        (["run", "demo.yaml", "photos", "-o", "out", "--report", "p.jpg"], 2, "no report of facesynth's"),
        (["run", "demo.yaml", "photos", "-o", "out", "--report", "out/faces/p.png"], 2, "let it end in .json"),
        (["transfer", "photos", "-o", "out", "--style", "p.jpg", "--labels", "--parser", "x"], 2, "--parser needs"),
        (["transfer", "photos", "-o", "out", "--style", "p.jpg", "--labels", "--paste-back"], 2, "--paste-back needs"),
        (["run", "nope.yaml", "photos", "-o", "out"], 2, "or one of: demo"),
        (["run", "tiny.yaml", "photos", "-o", "out"], 2, "run: facesynth train tiny.yaml"),
        (["run", "demo.yaml", "photos", "-o", "out", "--set", "align.sise=3"], 2, "did you mean size?"),
        (["train", "demo.yaml"], 2, "run: facesynth run demo.yaml"),
        (["train", "tiny.yaml", "--data", "nowhere"], 2, "nowhere"),
        (["train", "tiny.yaml", "--data", "photos", "--set", "data.folder=x"], 2, "give one of them"),
        (["train", "tiny.yaml", "--init-from", "nope"], 1, "no weights of that name; run: facesynth weights list"),
        (["train", "tiny.yaml", "--set", "losses.kld=.nan"], 2, "losses: kld is nan, it must be finite"),
        (["weights", "show", "nope"], 1, "error: nope: there is no such file"),
        (
            ["cache", "ls", "nope"],
            2,
            "use one of: align, encode, encode-regions, probabilities, sample, segment, synthesize",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_told_in_words(
    arguments: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACESYNTH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").touch()
    (tmp_path / "p.jpg").write_bytes(b"a photo")
    assert ended(arguments) == code
    out, error = capsys.readouterr()
    assert said in error and "Traceback" not in error and not out
    assert not (tmp_path / "out").exists()


class Raised:
    """Makes `facesynth doctor` raise something."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def by_doctor(self, error: BaseException) -> int:
        def diagnose(cache: Path) -> Iterator[object]:
            raise error

        self._monkeypatch.setattr("facesynth.cli.doctor.diagnose", diagnose)
        return ended(["doctor"])


@pytest.fixture
def raised(monkeypatch: pytest.MonkeyPatch) -> Raised:
    return Raised(monkeypatch)


def test_errors_end_with_their_exit_code(raised: Raised, capsys: pytest.CaptureFixture[str]) -> None:
    assert raised.by_doctor(DeviceError("no such device", hint="use --device cpu")) == 1
    assert raised.by_doctor(UsageError("nonsense")) == 2
    assert raised.by_doctor(OSError(28, "No space left on device", "/disk")) == 1
    assert raised.by_doctor(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err.splitlines() == [
        "error: no such device; use --device cpu", "error: nonsense", "error: /disk: No space left on device",
        "", "interrupted",
    ]  # fmt: skip


def test_an_unexpected_error_is_a_line_and_a_file(raised: Raised, capsys: pytest.CaptureFixture[str]) -> None:
    assert raised.by_doctor(ZeroDivisionError("division by zero")) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first == "error: unexpected ZeroDivisionError: division by zero"
    file = Path(second.rpartition(" ")[2])
    assert "Traceback" in file.read_text(encoding="utf-8")
    file.unlink()
    with pytest.raises(SystemExit):
        main(["--debug", "doctor"])
    assert "Traceback" in capsys.readouterr().err


def test_what_libraries_warn_of_is_not_for_users() -> None:
    code = (
        "import warnings\nfrom facesynth.cli import doctor, main\n"
        "def diagnose(cache): warnings.warn('for developers'); return iter(())\n"
        "doctor.diagnose = diagnose\nmain.main(['doctor'])"
    )
    for options, told in (([], False), (["-W", "default"], True)):
        command = [sys.executable, *options, "-c", code]
        result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        assert ("for developers" in result.stderr) == told


def test_a_reader_that_goes_away_is_no_error_message() -> None:
    told = subprocess.run(
        f"{shlex.quote(sys.executable)} -m facesynth.cli.main --help | head -c 1",
        shell=True, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert told.stderr == ""


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    from facesynth import __version__

    assert ended(["--version"]) == 0
    assert capsys.readouterr().out == f"facesynth {__version__}\n"


@pytest.mark.skipif(os.name != "posix", reason="a signal does not end Python on Windows")
@pytest.mark.parametrize(
    "stopped",
    [
        "def diagnose(cache): exec('raise KeyboardInterrupt')",  # as code of dataclasses is when it is imported
        "def diagnose(cache): raise KeyboardInterrupt\nmain.tell = lambda *_, **__: signal.raise_signal(signal.SIGINT)",
        "def diagnose(cache):\n"
        "    threading.Thread(target=last).start()\n"
        "    raise KeyboardInterrupt\n"
        "def last():\n"
        "    threading.main_thread().join()\n"  # which ends when Python is left but for its threads
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    time.sleep(1)",
    ],
    ids=["inside exec", "while it is told", "at the end"],
)
def test_however_it_is_interrupted_it_ends_with_130_and_no_traceback(stopped: str, tmp_path: Path) -> None:
    (tmp_path / "stopped.py").write_text(
        "import os, signal, sys, threading, time\nfrom facesynth.cli import doctor, main\n"
        f"{stopped}\ndoctor.diagnose = diagnose\nsys.argv[1:] = ['doctor']\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\nmain.main()"
    )
    command = [sys.executable, "-m", "stopped"]
    where = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    told = subprocess.run(command, cwd=tmp_path, env=where, capture_output=True, text=True, check=False, timeout=60)
    assert (told.returncode, "Traceback" in told.stderr) == (130, False), told.stderr
