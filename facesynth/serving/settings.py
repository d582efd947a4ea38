"""How a server runs: what it is told once, before it starts."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Literal

from facesynth.core.errors import UsageError

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
"""What this machine calls itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the server takes before it says no; bytes, pixels, seconds and counts, all above zero."""

    body_bytes: int = 32 << 20
    held_bytes: int = 256 << 20
    """Of all bodies together, from their first byte until they are answered, and of answers until they are sent."""
    photo_pixels: int = 50_000_000
    label_side: int = 2048
    parts: int = 24
    requests: int = 256
    """At once, whatever they do."""
    waiting: int = 64
    """Requests that wait for a worker, of all clients."""
    waiting_each: int = 16
    """Of one client."""
    body_seconds: float = 30.0
    """For a body to arrive."""
    deadline: float = 30.0
    """From a request's body to its answer: then 504. While a worker starts again it stands still, at most as long."""
    stop_seconds: float = 30.0
    """For what runs to be finished when the server is stopped."""
    cache_bytes: int = 128 << 20
    """Of styles, label maps and answers that are kept in memory, together."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} must be above zero, not {getattr(self, name)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `facesynth serve` was asked for.

    `devices` names one for each worker process. `generator`, `parser` and `landmarks` are names or files, None the
    bundled ones. `token` is what clients must send; `origins` are pages of other places that may call the API.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    token: str | None = None
    origins: tuple[str, ...] = ()
    devices: tuple[str, ...] = ("auto",)
    precision: str = "auto"
    generator: str | None = None
    parser: str | None = None
    landmarks: Literal["auto", "face-alignment", "dlib"] = "auto"
    batch_size: int | None = None
    demo: bool = False
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        if self.token is not None and (not self.token or not self.token.isascii() or not self.token.isprintable()):
            raise UsageError("a token is made of printable ASCII characters", where="--token")
        if not 0 <= self.port <= 65535:
            raise UsageError(f"a port is a number from 0 to 65535, not {self.port}", where="--port")
        if not self.devices:
            raise UsageError("a server needs a device", where="--device")
        for origin in self.origins:
            if not origin.startswith(("http://", "https://")) or origin.count("/") != 2 or not origin.isascii():
                hint = "write it as browsers do: https://example.org, without a path"
                raise UsageError(f"{origin!r} is not the origin of a page", where="--allow-origin", hint=hint)
        if self.demo and (self.generator or self.parser):
            raise UsageError("--demo paints with the bundled weights", hint="leave --demo or the weights' name out")

    @property
    def local(self) -> bool:
        """Whether only this machine reaches the server."""
        if self.host in LOOPBACK:
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:  # a name
            return False

    @property
    def names(self) -> frozenset[str]:
        """What requests may call a server that only this machine reaches."""
        return LOOPBACK | {self.host.lower()}

    @property
    def found_by(self) -> str:
        """What finds faces: in a demo always what comes with the installation."""
        return "dlib" if self.demo else self.landmarks
