"""The process that trains: takes runs from the queue one at a time, and writes down what becomes of them.

``python -m ga2app.worker --home H`` works until it has had nothing to do for a while. It and the screens meet only
in the database. Whatever kills it, the next worker goes on from the run's checkpoint; SIGTERM and Ctrl-C make it
save, put its run back in the queue and leave.
"""
