"""The assets, one file each, named after their table. Every asset of this folder belongs to the code location."""
