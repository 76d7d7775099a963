"""docker-compose.yaml, brought up for real where there is a Docker engine."""
