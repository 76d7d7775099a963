"""The endpoint: the HTTP server in front of moto, the JSON protocol, the trail of calls, and what is kept."""
