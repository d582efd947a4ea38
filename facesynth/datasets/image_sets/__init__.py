"""Images with or without a class, and no label maps: what a generator that finds its own masks learns from."""

from facesynth.datasets.image_sets.choosing import chosen
from facesynth.datasets.image_sets.opening import open_image_set
from facesynth.datasets.image_sets.packing import PackedImages, identify_images, packed_images
from facesynth.datasets.image_sets.sets import Fit, ImageSet, Layout, Part

__all__ = [
    "Fit",
    "ImageSet",
    "Layout",
    "PackedImages",
    "Part",
    "chosen",
    "identify_images",
    "open_image_set",
    "packed_images",
]
