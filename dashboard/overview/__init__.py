"""Shows the first page: whether anything is wrong, and how complete the figures are."""
