"""Turns what happened into mails to people: transitions of alerts, and occasions that other stages hand over.

`dispatch` claims what is new and writes one Delivery per recipient in the same database transaction;
`send` claims due deliveries and hands each to the mail server, at least once, always under the same
Message-ID. `outbox` claims and marks for it and for channels, `late` decides what becomes of a message that goes out
late (pure), `retell` writes it anew. `smtp_answers` decides what follows from what the server answers (pure),
`recipients` says who gets what, `hearing` asks that again at sending, `kinds` says what a mail of each kind tells
(`facts` loads it for alerts), `compose` and `message` put it into text, HTML and headers, `outlived` says what may go
by its age, `words` makes untrusted text fit to be mailed (pure).
"""
