"""Receives callbacks: proves who sent a hint and writes it down. Nothing that it says is believed.

`signature` and `facts` are pure, `body` reads bytes within limits, `door` answers, `endpoints` is what people do.
"""
