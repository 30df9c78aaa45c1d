"""The log on a disk: written, rotated, read back, sent on."""
