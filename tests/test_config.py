"""Pipeline files: what they become, and what is said of mistakes in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from facesynth.config import arms_of, find_pipeline, load_pipeline, parse_pipeline
from facesynth.core.errors import ConfigError, UsageError
from facesynth.plans import Plan
from facesynth.training.runs.parser import ParserRun
from facesynth.training.runs.spade import SpadeRun
from facesynth.training.runs.spn import SpnRun

PIPELINES = sorted((Path(__file__).parents[1] / "pipelines").rglob("*.yaml"))


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.name)
def test_every_pipeline_file_loads(path: Path) -> None:
    pipeline = load_pipeline(path)
    assert pipeline.name == path.stem


def test_kinds_become_their_records() -> None:
    assert isinstance(parse_pipeline("kind: plan", "f"), Plan)
    assert isinstance(parse_pipeline("kind: parser\nname: p", "f"), ParserRun)
    spade = parse_pipeline("kind: spade\nname: s\nencoder: null\ngenerator: {size: 64, start: 2}", "f")
    assert isinstance(spade, SpadeRun) and spade.encoder is None and spade.generator.size == 64


def test_numbers_may_be_written_as_people_write_them() -> None:
    run = parse_pipeline("{kind: spade, name: s, images: 1e4, generator_learning_rate: 1e-4}", "f", ["betas=[0, 9e-1]"])
    assert isinstance(run, SpadeRun)
    assert (run.images, run.generator_learning_rate, run.betas) == (10_000, 1e-4, (0, 0.9))


def test_settings_override_the_file() -> None:
    overrides = ["align.size=256", "synthesize.seeds=[1, 2]", "segment.parser=mine.safetensors", "sheet=false"]
    plan = parse_pipeline("kind: plan\nalign: {faces: largest}", "f", overrides)
    assert isinstance(plan, Plan)
    assert (plan.align.size, plan.align.faces, plan.synthesize.seeds) == (256, "largest", (1, 2))
    assert plan.segment.parser == "mine.safetensors" and not plan.sheet


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: spade\nname: s\ngenerator: {widht: 3}", "generator.widht: unknown key, did you mean width?"),
        ("kind: parser\nname: p\nlerning_rate: 1", "lerning_rate: unknown key, did you mean learning_rate?"),
        ("kind: plan\nalign: {zzz: 1}", "align.zzz: unknown key, known are size, frame, faces, landmarks"),
        ("kind: plan\nalign: {size: big}", "align.size: input should be a valid integer.*not 'big'"),
        ("kind: plan\nalign: {frame: round}", "align.frame: input should be 'ffhq' or 'celeba-hq', not 'round'"),
        ("kind: plan\nsynthesize: {others: -1}", "synthesize: others and seeds must not be negative"),
        ("kind: plan\nsynthesize: {size: -3}", "synthesize: size is -3, it must be 16 to 4096"),
        ("kind: plan\nsynthesize: {size: 0}", "synthesize: size is 0, it must be 16 to 4096"),
        ("kind: plan\nsynthesize: {size: 100000}", "synthesize: size is 100000, it must be 16 to 4096"),
        ("kind: plan\nsynthesize: {others: true}", "synthesize.others: input should be a number, not True"),
        ("kind: plan\nsynthesize: {seeds: [1, false]}", "synthesize.seeds: input should be a number, not False"),
        ("kind: parser\nname: p\nimages: true", "images: input should be a number, not True"),
        ("kind: parser\nname: {{ x }}", "line 2: a key must be a plain word"),
        ("kind: parser\nname: 2024-02-30", "holds a value that is none of its kind"),
        ("kind: parser\nname: !!bool maybe", "holds a value that is none of its kind"),
        ("kind: parser", "name: is missing"),
        ("kind: parser\nname: p\nbatch_size: 0", "batch_size is 0, it must be at least 1"),
        ("kind: spade\nname: s\ngenerator_learning_rate: .nan", "generator_learning_rate is nan, it must be finite"),
        ("kind: spade\nname: s\nlosses: {kld: -1}", "losses: kld is -1.0, it must be at least 0"),
        ("kind: parser\nname: p\nparser: {size: 100}", "parser: .*must be a multiple of 32"),
        ("kind: cake", "kind: 'cake' is none that is known; use one of: parser, spade, spn, plan"),
        ("name: p", "the key `kind` is missing"),
        ("kind: plan\nkind: plan", "line 2: the key kind comes twice"),
        ("kind: [", "line 1: "),
        ("kind: !!python/object:os.system x", "could not determine a constructor"),
        ("- kind", "holds `key: value` lines"),
        ("", "holds `key: value` lines"),
    ],
)
def test_mistakes_are_named_by_file_and_key(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"^mine.yaml: (?!:).*{said}"):
        parse_pipeline(text, "mine.yaml")


@pytest.mark.parametrize(
    "setting",
    [
        "learning_rate=-1e-3", "learning_rate=.inf", "learning_rate=nan", "trunk_learning_rate=-1", "dice=-0.1",
        "weight_decay=.nan", "class_balance=-1", "rare_repeat=2", "warmup_images=-1", "seed=-1", "augment.grey=1.1",
        "augment.blur=-0.1", "augment.colour=.nan", "augment.scale=0.9", "augment.scale=.inf", "augment.rotation=-1",
        "augment.shift=2", "every.stats=-1", "data.limit=0", "data.judged=-1",
    ],
)  # fmt: skip
def test_a_parser_run_takes_no_impossible_numbers(setting: str) -> None:
    with pytest.raises(UsageError, match=rf"^f: .*\b{setting.partition('=')[0].rpartition('.')[2]} is "):
        parse_pipeline("{kind: parser, name: p}", "f", [setting])


@pytest.mark.parametrize(
    "setting",
    [
        "generator_learning_rate=nan", "generator_learning_rate=-1", "discriminator_learning_rate=.inf",
        "decay_images=-1", "losses.adversarial=-1", "losses.feature_matching=.nan", "losses.perceptual=.inf",
        "losses.reconstruction=-2",
    ],
)  # fmt: skip
def test_a_spade_run_takes_no_impossible_numbers(setting: str) -> None:
    with pytest.raises(UsageError, match=rf"^f: .*\b{setting.partition('=')[0].rpartition('.')[2]} is "):
        parse_pipeline("{kind: spade, name: s}", "f", [setting])


@pytest.mark.parametrize("betas", ["[0, 1]", "[-0.1, 0.9]", "[.nan, 0.9]", "[0.5, .inf]"])
def test_betas_lie_between_0_and_1(betas: str) -> None:
    with pytest.raises(UsageError, match=r"^f: betas are \[.*each must be at least 0 and less than 1"):
        parse_pipeline("{kind: spade, name: s}", "f", [f"betas={betas}"])


def test_the_edges_of_what_is_possible_are_taken() -> None:
    edges = ["learning_rate=0", "augment.grey=1", "augment.scale=1", "every.validation=0", "data.judged=null"]
    assert isinstance(parse_pipeline("{kind: parser, name: p}", "f", edges), ParserRun)


def test_mistakes_in_settings_are_named() -> None:
    with pytest.raises(UsageError, match="write it like"):
        parse_pipeline("kind: plan", "f", ["size"])
    with pytest.raises(UsageError, match=r"--set name\.sub=1: name is 'n' and has no keys"):
        parse_pipeline("kind: plan\nname: n", "f", ["name.sub=1"])
    with pytest.raises(UsageError, match=r"--set name=\["):
        parse_pipeline("kind: plan", "f", ["name=["])


def test_a_bundled_pipeline_is_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_pipeline("demo.yaml").is_file() and find_pipeline("pipelines/demo.yaml") == find_pipeline("demo")
    row = find_pipeline("ablation/parser-plain")
    assert row.parent.name == "ablation" and row == find_pipeline("pipelines/ablation/parser-plain.yaml")
    (tmp_path / "demo.yaml").write_text("kind: plan")
    assert find_pipeline("demo.yaml") == Path("demo.yaml")
    with pytest.raises(UsageError, match="or one of: demo, "):
        find_pipeline("nope.yaml")
    with pytest.raises(UsageError, match="no such pipeline"):
        find_pipeline("elsewhere/demo.yaml")


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"name: \xff")
    with pytest.raises(ConfigError, match=r"latin\.yaml: cannot be read"):
        load_pipeline(tmp_path / "latin.yaml")


ARMS = """
kind: spn
name: t
generator: {width: 8, max_width: 8}
arms:
  plain: {}
  spn: {generator: {normalisation: spn}, batch_size: 32}
  empty:
"""


def test_an_arm_is_laid_over_its_file_and_a_setting_over_both() -> None:
    bare = parse_pipeline(ARMS, "f")
    assert isinstance(bare, SpnRun) and (bare.name, bare.generator.normalisation) == ("t", "batch")
    run = parse_pipeline(ARMS, "f", ["generator.kernel=5", "batch_size=16"], "spn")
    assert isinstance(run, SpnRun) and run.name == "t-spn" and run.batch_size == 16
    assert (run.generator.width, run.generator.normalisation, run.generator.kernel) == (8, "spn", 5)
    assert parse_pipeline(ARMS, "f", ["name=new"], "empty").name == "new-empty"
    changed = parse_pipeline(ARMS, "f", ["arms.spn.batch_size=8"], "spn")
    assert isinstance(changed, SpnRun) and changed.batch_size == 8


def test_every_arm_is_checked_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(ARMS)
    assert arms_of(tmp_path / "t.yaml") == ("plain", "spn", "empty") and arms_of(find_pipeline("tiny")) == ()
    with pytest.raises(ConfigError, match=r"f, arm spn: generator\.widht: unknown key, did you mean width\?"):
        parse_pipeline(ARMS.replace("normalisation: spn", "widht: 3"), "f")
    with pytest.raises(ConfigError, match=r"arms\.spn\.seed: is the same for all arms"):
        parse_pipeline(ARMS.replace("batch_size", "seed"), "f")
    with pytest.raises(ConfigError, match=r"arms\.plain: holds no"):
        parse_pipeline(ARMS.replace("plain: {}", "plain: 3"), "f")
    with pytest.raises(ConfigError, match="arms: is a mapping"):
        parse_pipeline("{kind: spn, name: t, arms: [a]}", "f")
    with pytest.raises(UsageError, match="there is no arm 'nope'; use one of: plain, spn, empty"):
        parse_pipeline(ARMS, "f", arm="nope")
    with pytest.raises(UsageError, match="there is no arm 'spn'; leave --arm out"):
        parse_pipeline("{kind: spade, name: s}", "f", arm="spn")
    with pytest.raises(ConfigError, match="arms: unknown key"):
        parse_pipeline("{kind: spade, name: s, arms: {a: {}}}", "f")
