"""Turns counts into alert states and transitions.

`conditions` and `state_machine` decide (pure), on what `load` gathers; `evaluate` asks them, and writes each edge once,
by compare-and-set. `rules` holds the default rule, `actions` what a person does to an alert. A Transition in
`dispatch_state` new is the hand-over to `monitor.notify`.
"""
