"""Our own side of a transfer: the one folder of this machine that files come from and go to."""
