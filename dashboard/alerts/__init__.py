"""Shows alerts, alert rules and the mails about alerts, and takes acknowledgements."""
