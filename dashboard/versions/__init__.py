"""Shows one version of the definition of a flow, a rule or a connected workflow."""
