"""NVlabs/SPADE's checkpoints made into our own networks: written from the paper and the names of their parameters."""

from facesynth.inference.convert.spade.conversion import from_spade

__all__ = ["from_spade"]
