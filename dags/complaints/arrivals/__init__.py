"""Objects that arrive under `raw/`: which of them start a run, and the ledger of those that did."""
