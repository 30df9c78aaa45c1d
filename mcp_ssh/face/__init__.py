"""Where callers come in: translates words, calls one service function, translates the answer."""
