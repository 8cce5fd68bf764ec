"""Audits workflow rules: pure functions over what is mirrored of them; one module a kind of finding in `kinds/`.

`monitor.queries.rule_audit` reads the facts, `monitor.accepted_findings` keeps what people accept.
"""
