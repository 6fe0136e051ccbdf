"""Tests: `unit` without engines, `integration` on real ones, `chaos` that kills them; `support` holds builders."""
