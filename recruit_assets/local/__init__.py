"""The platform on one machine: local engines, `demo`, and `up` with its supervised processes."""
