"""A recruitment site's trackers, made up: events with every oddity of real ones, and the report that they must give.

Belongs here: what is sent (`spec`, `jobs`, `fragments`, `times`, `events`, `malformed`), where to and at what pace
(`publish`), and the exact expected result (`ledger`). Not here: anything of `transforms`; a ledger that shares the
pipeline's code can't disagree with it.
"""
