"""`facesynth run`: all of a plan in one command."""

from __future__ import annotations

import rich_click as click

from facesynth.cli.options import inputs_and_output, parsing_work_options, set_option
from facesynth.cli.work import Work


@click.command("run")
@click.argument("pipeline", metavar="PIPELINE.yaml")
@inputs_and_output("PHOTOS")
@set_option
@parsing_work_options
def run(work: Work, engine: str, pipeline: str, overrides: tuple[str, ...]) -> None:
    """Carry out a plan: align, parse, read the styles, paint every face again, lay out a contact sheet.

    A name of which there is no file stands for a plan that comes with facesynth: demo.yaml.

    \b
    Example: facesynth run demo.yaml photos -o out
    Example: facesynth run demo.yaml photos -o out --set synthesize.others=2 --set align.faces=largest
    """
    from facesynth.config import find_pipeline, load_pipeline
    from facesynth.core.errors import UsageError
    from facesynth.jobs.painting import painting_stages
    from facesynth.jobs.plan import carry_out
    from facesynth.plans import Plan

    path = find_pipeline(pipeline)
    plan = load_pipeline(path, overrides)
    if not isinstance(plan, Plan):
        raise UsageError(f"is a pipeline of kind {plan.kind}", where=path, hint=f"run: facesynth train {pipeline}")
    painter = plan.synthesize
    stages = painting_stages(
        painter.generator,
        align=plan.align,
        parser=plan.segment.parser,
        size=painter.size,
        engine=engine,
        **work.networks,
    )
    settings = {"plan": plan, "engine": engine, "precision": work.precision}
    reads = [path, *filter(None, (plan.segment.parser, painter.generator))]
    with work.session("run", settings, align=stages.align, reads=reads) as session:
        carry_out(session, stages, painter, sheet=plan.sheet)
