"""`facesynth status`: how training runs and jobs get on, read from what they leave behind; nothing is changed."""
