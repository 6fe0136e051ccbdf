"""What `make release` makes of a commit: the wheel, the locks, the SBOM, and their checksums."""
