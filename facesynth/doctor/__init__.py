"""What this machine has and lacks for facesynth. Imports nothing that may be broken: that must not take it along."""

from facesynth.doctor.check import Check, State
from facesynth.doctor.diagnosis import diagnose

__all__ = ["Check", "State", "diagnose"]
