"""The accounts server of the stand-in: tokens, and the addresses /oauth/v2."""
