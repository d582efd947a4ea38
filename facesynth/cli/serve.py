"""`facesynth serve`: the studio in a browser, and the API that it paints through."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any

import rich_click as click

from facesynth.cli.licence_notice import tell_licences
from facesynth.cli.options import (
    default_cache_dir,
    generator_option,
    landmarks_option,
    log_format_option,
    parser_option,
)
from facesynth.cli.progress import tell
from facesynth.cli.value_types import Device
from facesynth.cli.worker_process import prepare_worker


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen: 0.0.0.0 is every network.")
@click.option("--port", type=click.IntRange(0, 65535), default=7860, show_default=True, help="0 takes any free one.")
@click.option(
    "--token",
    envvar="FACESYNTH_TOKEN",
    show_envvar=True,
    help="What clients must send: a bearer token; `random` draws one, which the address tells.",
)
@click.option("--allow-origin", "origins", multiple=True, metavar="ORIGIN", help="Let pages of another place call it.")
@click.option("--demo", is_flag=True, help="With the bundled weights and nothing else.")
@click.option(
    "--device",
    "devices",
    type=Device(),
    multiple=True,
    default=("auto",),
    show_default="auto",
    help="Where networks run, one process for each: may be given several times.",
)
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bf16", "fp16"]),
    default="auto",
    show_default=True,
    help="Of the networks' arithmetic: auto is bf16 on a GPU that has it.",
)
@click.option("--batch-size", type=click.IntRange(1, 256), help="Pictures painted at once (default: by the device).")
@generator_option
@parser_option
@landmarks_option
@log_format_option
def serve(log_format: str, **given: Any) -> None:
    """Serve the page to paint on, and its API; see /docs there. Stop it with Ctrl-C: what runs is finished first.

    \b
    Example: facesynth serve --demo
    Example: facesynth serve --host 0.0.0.0 --port 8000 --token random
    """
    from facesynth import weights
    from facesynth.inference.landmarks.choice import choose_detector
    from facesynth.inference.landmarks.detection import DETECTOR_WEIGHTS
    from facesynth.serving.listening import serve as run
    from facesynth.serving.settings import Settings

    if given["token"] == "random":
        given["token"] = secrets.token_urlsafe(16)
    settings, as_json = Settings(**given), log_format == "json"
    names = [settings.generator or weights.default_name("generator"), settings.parser or weights.default_name("parser")]
    names += DETECTOR_WEIGHTS[choose_detector(settings.found_by)]
    tell_licences(map(weights.sha256_of, names), partial(tell, as_json=as_json), default_cache_dir())
    if not settings.local and settings.token is None:
        risk = f"anybody who reaches {settings.host} may paint here: give a --token to let in those who have it"
        tell(risk, as_json=as_json, level="warning")

    def listening(address: str) -> None:
        click.echo(f"facesynth is at {address}")
        if as_json:  # without the token behind the #: logs are kept, and read by others
            tell("listening", as_json=True, event="listening", address=address.partition("#")[0])

    run(settings, begin=prepare_worker, listening=listening)
