"""Settings, errors, logs, signals, files and downloaded programs: what every other package may use."""
