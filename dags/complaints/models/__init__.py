"""The model: its versions, and the one in service.

- `registry`: registering, promoting and checking versions
"""
