"""The door for callbacks: a hint is proved to come from who it says, and written down. Nothing is believed of it.

`signature` and `facts` are pure, `body` reads bytes within limits, `door` answers, `endpoints` is what people do.
"""
