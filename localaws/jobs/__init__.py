"""A job of any kind as local processes: prepared, run, logged, stopped, and its failure explained."""
