"""Label maps as patterns: found once for each map, painted from with whatever style, kept in bounded memory."""

from typing import Literal

PatternsName = Literal["auto", "always", "never"]
