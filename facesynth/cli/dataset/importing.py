"""`facesynth dataset import`: a dataset as published, or a folder of one's own, becomes a manifest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from facesynth.cli.dataset.import_run import importing
from facesynth.cli.options import schema_option

if TYPE_CHECKING:
    from facesynth.datasets.importing.layout import Layout


@click.group("import")
def import_group() -> None:
    """Take a dataset in: check every file and write dataset.jsonl, which `inspect`, `split` and `train` read.

    Files stay where they are; label maps and faces that have to be made go below the output folder. The same command
    again makes only what is new or changed, and goes on where it was stopped. Faces that cannot be used are listed in
    dataset-report.json (exit code 3), and so is what is odd.

    \b
    Example: facesynth dataset import celebamask-hq CelebAMask-HQ
    """


@import_group.command("celebamask-hq")
@importing
def celebamask_hq(folder: Path) -> Layout:
    """Import CelebAMask-HQ: CelebA-HQ-img/ and CelebAMask-HQ-mask-anno/ of DIR, and the lists beside them.

    The part masks become one label map a face, painted in the dataset's own order, in labels/. Splits: `official`
    (24,183 / 2,993 / 2,824) and `index` (28,000 / 2,000). CelebA's identity_CelebA.txt is used where it lies there too.

    \b
    Example: facesynth dataset import celebamask-hq CelebAMask-HQ -o celebamask
    """
    from facesynth.datasets.layouts.celebamask_hq import CelebAMaskHqLayout

    return CelebAMaskHqLayout(folder)


@import_group.command("ffhq")
@click.option("--size", type=click.IntRange(16, 4096), show_default="1024", help="Of faces made anew from photos.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the paper's sub-sample.")
@click.option(
    "--source",
    type=click.Choice(["images", "in-the-wild", "thumbnails"]),
    help="Which form to take (default: the first of them that is there).",
)
@importing
def ffhq(folder: Path, size: int | None, seed: int, source: str | None) -> Layout:
    """Import FFHQ: images1024x1024/, in-the-wild-images/ with ffhq-dataset-v2.json, or thumbnails128x128/ of DIR.

    In-the-wild photos are aligned anew from the JSON's landmarks. Splits: `published` (60,000 / 10,000) and `paper`
    (80/20 of 10,000 faces, drawn by the seed).

    \b
    Example: facesynth dataset import ffhq ffhq-dataset --seed 0
    """
    from facesynth.datasets.layouts.ffhq import FfhqLayout

    return FfhqLayout(folder, size=size, seed=seed, source=source)


@import_group.command("celeba")
@importing
def celeba(folder: Path) -> Layout:
    """Import CelebA: img_align_celeba/ of DIR with its landmarks, identities, attributes and partition.

    \b
    Example: facesynth dataset import celeba CelebA
    """
    from facesynth.datasets.layouts.celeba import CelebaLayout

    return CelebaLayout(folder)


@import_group.command("folder")
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Label maps by the images' names (default: labels/).",
)
@schema_option("Order of the ids in label maps that do not say it themselves:")
@importing
def folder(folder: Path, labels: Path | None, schema: str | None) -> Layout:
    """Import a folder of one's own: photos, or images/ and labels/ with the same names.

    Label maps are ids, palette PNG or the palette's colours. Images in folders called train, val and test are on
    that side of the split `folders`.

    \b
    Example: facesynth dataset import folder photos
    Example: facesynth dataset import folder faces --labels masks --schema zllrunning
    """
    from facesynth.datasets.layouts.folder import FolderLayout

    return FolderLayout(folder, labels=labels, schema=schema)


@import_group.command("shards")
@schema_option("Order of the ids in label maps that do not say it themselves:")
@importing
def shards(folder: Path, schema: str | None) -> Layout:
    """Import the tar archives in DIR, as `segment --output-format shards` and WebDataset write them.

    Of each sample the image (KEY.png, KEY.jpg …) and KEY.labels.png are taken out into images/ and labels/, which
    training needs: it looks faces up in any order.

    \b
    Example: facesynth dataset import shards pairs -o dataset
    """
    from facesynth.datasets.layouts.shards import ShardsLayout

    return ShardsLayout(folder, schema=schema)
