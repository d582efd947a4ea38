"""The `facesynth` command: its sub-commands, loaded when they are called, and what errors look like to a user."""

from __future__ import annotations

import gc
import sys
import tempfile
import traceback
import warnings
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from types import MappingProxyType
from typing import Any

import click as plain_click
import rich_click as click

from facesynth import __version__
from facesynth.cli.freed_memory import keep_freed_memory
from facesynth.cli.lazy_group import LazyGroup
from facesynth.cli.progress import log_as_json, tell
from facesynth.cli.work import INTERRUPTED
from facesynth.core.errors import FacesynthError, UsageError
from facesynth.core.stop_signals import ignore_stop_signals, interrupt_on_stop_signals

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "align": "facesynth.cli.align",
        "segment": "facesynth.cli.segment",
        "train": "facesynth.cli.train",
        "synthesize": "facesynth.cli.synthesize",
        "transfer": "facesynth.cli.transfer",
        "sample": "facesynth.cli.sample",
        "masks": "facesynth.cli.masks",
        "run": "facesynth.cli.run",
        "serve": "facesynth.cli.serve",
        "evaluate": "facesynth.cli.evaluate",
        "compare": "facesynth.cli.compare",
        "dataset": "facesynth.cli.dataset",
        "weights": "facesynth.cli.weights",
        "model": "facesynth.cli.model",
        "cache": "facesynth.cli.cache",
        "status": "facesynth.cli.status",
        "doctor": "facesynth.cli.doctor",
    }
)
"""Each command's module, in the order of --help; the command is the module's attribute of its own name."""

_ERROR: Mapping[str, str] = MappingProxyType({"event": "error", "level": "error"})
_OBJECTS_BETWEEN_COLLECTIONS = 20_000
"""Python's own 700 has it look through PyTorch's modules again and again while they are imported: for a second."""


@click.group(
    cls=LazyGroup,
    lazy={name: (module, name) for name, module in COMMANDS.items()},
    context_settings={"help_option_names": ["--help", "-h"]},
)
@click.version_option(__version__, message="facesynth %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an unexpected error.")
def cli(debug: bool) -> None:
    """Photos in, label maps and painted faces out.

    Exit codes: 0 all done, 1 error, 2 usage, 3 some items failed or were rejected, the rest done, 130 interrupted.

    \b
    Example: facesynth run demo.yaml photos -o out
    Example: facesynth segment photos -o pairs
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: errors are told in one line, and the exit code tells their kind."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not sys.warnoptions:  # libraries warn developers, not users; last, so that other filters keep their say
        warnings.simplefilter("ignore", append=True)
    interrupt_on_stop_signals()
    keep_freed_memory()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    try:
        code = _exit_code(given)
    except KeyboardInterrupt:  # the second one, while the first was told
        code = INTERRUPTED
    if arguments is None:
        _end_undisturbed()
    sys.exit(code)


def _end_undisturbed() -> None:
    """Let Python end with the exit code that it is given, also where it is interrupted again while it cleans up."""
    ignore_stop_signals()
    # Python remembers an interrupt that has passed through exec of a string, as dataclasses use it, and would end as if
    # SIGINT had killed it, whoever caught that since; the next exec forgets it.
    exec("")


def _exit_code(given: list[str]) -> int:
    as_json = _wants_json(given)
    if as_json:
        log_as_json()
    try:
        code: Any = cli.main(given, prog_name="facesynth", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except SystemExit as end:  # of a job that has told how it went
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except (KeyboardInterrupt, plain_click.Abort):
        tell("interrupted", as_json=as_json, event="interrupted", level="warning")
        return INTERRUPTED
    except plain_click.ClickException as error:
        if as_json:
            tell(f"error: {error.format_message()}", as_json=True, **_ERROR)
        else:
            error.show()
        return error.exit_code
    except FacesynthError as error:
        tell(f"error: {error}", as_json=as_json, **_ERROR)
        return 2 if isinstance(error, UsageError) else 1
    except BrokenPipeError:  # whoever read the results has seen enough
        sys.stdout = open("/dev/null" if sys.platform != "win32" else "NUL", "w", encoding="utf-8")  # noqa: SIM115
        return 1
    except OSError as error:
        if isinstance(error.__context__, KeyboardInterrupt):  # click could not tell of it: the terminal was closed
            return INTERRUPTED
        where = f"{error.filename}: " if error.filename else ""
        tell(f"error: {where}{error.strerror or error}", as_json=as_json, **_ERROR)
        return 1
    except Exception as error:  # noqa: BLE001 - the last resort: a user gets a line and a file, not a traceback
        _tell_unexpected(error, show="--debug" in given, as_json=as_json)
        return 1


def _tell_unexpected(error: Exception, *, show: bool, as_json: bool) -> None:
    told = "".join(traceback.format_exception(error))
    if show:
        for line in [told.rstrip()] if as_json else told.rstrip().split("\n"):
            tell(line, as_json=as_json, **_ERROR)
        return
    with tempfile.NamedTemporaryFile(
        "w", prefix="facesynth-error-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
    ) as file:
        file.write(f"facesynth {__version__}, Python {sys.version}\n{told}")
    report = f"Please report it with the traceback in {file.name}"
    message = f"error: unexpected {type(error).__name__}: {error}"
    for line in [f"{message}\n{report}"] if as_json else [message, report]:
        tell(line, as_json=as_json, **_ERROR)


def _wants_json(given: Sequence[str]) -> bool:
    """Whether the last --log-format says json: errors may come before, and outlive, whoever has parsed the options."""
    formats = [
        option.partition("=")[2] or following
        for option, following in zip_longest(given, given[1:], fillvalue="")
        if option.partition("=")[0] == "--log-format"
    ]
    return formats[-1:] == ["json"]


if __name__ == "__main__":
    main()
