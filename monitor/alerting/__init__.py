"""Turns counts into alert states and transitions.

The conditions in `kinds`, `steps` and `state_machine` decide (pure), on what `load` gathers: what may have changed, for
the rules that `scope` gives each flow. `evaluate` asks them, and `write` writes each edge once, by compare-and-set.
`rules` holds the default rules, `actions` what a person does to an alert. A Transition in
`dispatch_state` new is the hand-over to `monitor.notify`.
"""
