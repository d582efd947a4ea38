"""YAML as people write it, read without surprises."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from facesynth.core.errors import ConfigError


def read_file(path: Path) -> str:
    """The text of a pipeline file. Raises ConfigError."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read ({error})", where=path) from error


class _Loader(yaml.SafeLoader):
    """YAML's safe loader with `1e-3` as a number and without keys that come twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                what = "a key must be a plain word, not a list or a mapping"
                raise yaml.constructor.ConstructorError(None, None, what, key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key.value} comes twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?\d+[eE][-+]?\d+"), list("-+0123456789"))


def read_yaml(text: str, where: str) -> Any:
    """What YAML text says. Raises ConfigError; `where` names the text in it."""
    try:
        return _Loader(text).get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise ConfigError(f"{line}{error.problem or 'is not YAML'}", where=where) from None
    except yaml.YAMLError as error:
        raise ConfigError(f"is not YAML ({error})", where=where) from None
    except (ValueError, LookupError, AttributeError) as error:  # PyYAML's own, of `2024-02-30` or `!!bool maybe`
        raise ConfigError(f"holds a value that is none of its kind ({error})", where=where) from None
