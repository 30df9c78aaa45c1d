"""Measurements, each as ratios in one interleaved run. None of them decides whether a test passes."""
