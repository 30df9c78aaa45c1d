"""From hosts.yaml and the environment to one immutable Snapshot, or to all faults at once."""
