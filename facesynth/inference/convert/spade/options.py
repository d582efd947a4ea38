"""opt.txt, the options that NVlabs/SPADE notes beside the checkpoints of a training: what tensors do not tell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_LINE = re.compile(r"^\s*(\w+): (.*?)(?:\s*\[default: .*\])?\s*$")
_LONGEST = 1 << 20


def read_options(path: Path) -> dict[str, str]:
    """Each option's value as it was written; empty where there is no such file, or none that is text."""
    try:
        if not path.is_file() or path.stat().st_size > _LONGEST:
            return {}
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    return {found[1]: found[2] for line in text.splitlines() if (found := _LINE.match(line))}


def doublings(options: Mapping[str, str]) -> int | None:
    """How often the generator doubles its first map's side, by `num_upsampling_layers`; None where it is not told."""
    return {"normal": 5, "more": 6, "most": 7}.get(options.get("num_upsampling_layers", ""))


def label_channels(options: Mapping[str, str]) -> tuple[int, bool, bool] | None:
    """The number of classes, whether a channel follows for pixels of none, and whether one for edges between instances.

    None where the options do not tell all of it.
    """
    classes, dontcare, no_edges = (
        options.get(key, "") for key in ("label_nc", "contain_dontcare_label", "no_instance")
    )
    if not classes.isdecimal() or not {dontcare, no_edges} <= {"True", "False"}:
        return None
    return int(classes), dontcare == "True", no_edges == "False"
