"""Shows problems: what failed for one cause, who is on it, how its runs ended; takes what people do about them."""
