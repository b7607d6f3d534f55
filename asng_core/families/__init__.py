"""Search distributions in expectation parameters, one family per file, one contract."""
