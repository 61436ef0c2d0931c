"""How one attempt of a task is run here: its command filled in, its process, and what it left behind."""
