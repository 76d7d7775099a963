"""What people are told when a run fails."""
