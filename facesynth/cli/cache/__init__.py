"""`facesynth cache`: what the cache holds, whether it is intact, and making room in it."""

from __future__ import annotations

import rich_click as click

from facesynth.cli.cache.looking import list_entries, show
from facesynth.cli.cache.mending import gc, verify


@click.group("cache")
def cache() -> None:
    """Look into the cache of finished work, check it, and make room in it."""


for command in (list_entries, show, verify, gc):
    cache.add_command(command)
