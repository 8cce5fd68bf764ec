"""The demonstration: a Zoho of its own, the web server and the worker, side by side on loopback.

`environment` gives the demo settings of its own before Django reads any; `people` creates who can sign in;
`show` starts the processes, watches them and ends them. All it keeps lies in var/demo/.
"""
