"""How assets are stored and loaded: Cassandra and MySQL tables, by the hour."""
