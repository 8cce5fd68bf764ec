"""The wire of the stand-in: requests, replies, routes, limits, faults and the server."""
