"""Tests of the studio's page in a real Chromium."""
