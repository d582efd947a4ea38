"""`facesynth compare`: generators evaluated alike, or evaluations that were saved, side by side."""
