"""Reads what Zoho still holds of a flow that was never read before: newest runs first, the rest by turns."""
