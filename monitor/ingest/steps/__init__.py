"""Takes the larger steps of a sweep: which flows are read and in what order, and what becomes of each stream."""
