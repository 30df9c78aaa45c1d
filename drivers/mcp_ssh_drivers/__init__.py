"""How to talk to a kind of host: engines and, beside them, what each kind is like. No I/O but through a Channel."""
