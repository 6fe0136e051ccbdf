"""A simulated recruitment site: its trackers' events, with all oddities of real ones, and the expected report.

It shares no code with `transforms` and `contract.measures`: a ledger computed by the pipeline's code couldn't disagree
with it.
"""
