"""`facesynth dataset inspect`: what is in a dataset, what is wrong with it, what is in it twice, told and shown."""
