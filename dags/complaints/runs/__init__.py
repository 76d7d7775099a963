"""A run from its plan to its results: names and URIs, requests, the account of every row, publishing."""
