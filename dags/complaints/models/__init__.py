"""The versions of the model: registered, promoted, in service."""
