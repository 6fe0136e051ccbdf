"""The platform in Docker, from its own compose file. Not collected by pytest: run `make docker-test`."""
