"""The measurements behind the budgets of docs/architecture.md: each section measures, `__main__` prints."""
