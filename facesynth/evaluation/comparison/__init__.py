"""Evaluations of pictures side by side."""
