"""The platform on one machine: local engines, `demo`, and `up` with its supervised processes."""

UP_LOCK = "up.lock"
"""In the state directory: the lock file that `up` holds while it runs."""
