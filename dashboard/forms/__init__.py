"""What people type, checked before anything acts on it. One file a subject."""
