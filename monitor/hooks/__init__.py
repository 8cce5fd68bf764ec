"""Receives callbacks: proves who sent a hint and writes it down. Nothing that it says is believed.

`signature` and `callback_ids` are pure, `body` reads bytes within limits, `rate_limit` counts, `receive` answers,
`endpoints` is what people do.
"""
