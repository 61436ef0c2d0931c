"""One module a command: `command` in it is what main.py adds to the tool."""
