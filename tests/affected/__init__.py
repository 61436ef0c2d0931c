"""`make quick`: checks of what changed, and the tests that it touches.

- `graph.py`: which file needs which, from imports and from the names of files and modules in strings
- `selection.py`: the test files nearest to a change, as many as fit the time
- `__main__.py`: asks git, runs the checks and the tests, names what is left to `make test`

pytest-testmon knows what a test runs after a whole run under coverage; this knows it in a fresh clone.
"""
