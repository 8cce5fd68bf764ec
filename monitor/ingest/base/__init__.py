"""Holds what every reader needs: the sweep's context, lease, pace, schedule, quarantine; asks nothing itself."""
