"""Long-lived sessions: a pure plan that decides, a pool that carries it out."""
