"""Import of events and jobs from files: CSV, JSON lines and Parquet."""
