"""The platform in Docker, started from its own compose file and harmed. Not collected by pytest: `make docker-test`."""
