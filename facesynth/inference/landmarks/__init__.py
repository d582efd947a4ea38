"""Landmark detectors: what they are, which there are, and an adapter for each library."""
