"""Makes problems of failed runs: which have one cause, how each ended, and what people do about them."""
