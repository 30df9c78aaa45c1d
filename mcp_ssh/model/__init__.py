"""The nouns. Immutable values with no behaviour that could fail; every floor above speaks in them."""
