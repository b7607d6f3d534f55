"""What is optimized, and a run of a method on it: real tables, synthetic problems, pseudo-Boolean ones."""
