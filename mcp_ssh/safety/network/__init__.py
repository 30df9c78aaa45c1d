"""Command lines of network devices: prefixes of words, and what the platforms call danger."""
