"""What a terminal showed, kept as asciicasts that any player of them plays."""
