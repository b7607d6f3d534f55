"""What stored runs come to: scores and intervals, fixed targets, tables and pictures."""
