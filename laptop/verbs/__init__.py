"""The commands: each module is one verb of the Makefile or of docker-compose.yaml."""
