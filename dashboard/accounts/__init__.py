"""Shows the Zoho accounts; connects, limits, pauses and disconnects them, and makes their callback addresses."""
