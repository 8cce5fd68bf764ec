"""Shows the connections (sign-ins) that flows use: the list, and one's page."""
