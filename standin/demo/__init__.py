"""Runs the demonstration: the stand-in, the web server and the worker, side by side on loopback.

`settings` gives the demo settings of its own before Django reads any; `people` creates who can sign in;
`story` says which organisation is shown and what happens in it; `processes` starts the processes, watches
them and ends them. All it keeps lies in var/demo/.
"""
