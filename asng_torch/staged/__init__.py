"""The staged search: after shared weights have said what they can, a budget of real trainings."""
