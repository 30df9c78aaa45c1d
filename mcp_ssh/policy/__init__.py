"""May this request run? Pure judgement over values."""
