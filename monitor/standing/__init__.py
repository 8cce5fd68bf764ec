"""Says how a flow stands: the one home of it, for lists, pages, mails, `status` and exports.

`judge` decides, purely; `facts` reads what it decides by, in SQL that may also filter; `silence` tells a silent flow.
"""
