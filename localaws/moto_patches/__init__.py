"""Changes to moto that last as long as one LocalAWS."""
