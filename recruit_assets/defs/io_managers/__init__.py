"""How an hour is read and replaced in Cassandra and MySQL, coverage marks included. Not here: what rows mean."""
