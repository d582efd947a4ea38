"""`python -m facesynth` is the command `facesynth`."""

from facesynth.cli.main import main

main()
