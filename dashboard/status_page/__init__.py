"""Shows how things stand to whoever has a secret link, and lets admins make and end these links."""
