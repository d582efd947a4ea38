"""facesynth: photos in, label maps and painted faces out."""

__version__ = "0.1.0"
