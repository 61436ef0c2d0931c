"""The operators' command line: `flyteadmin-ops`.

main.py        the list of commands, and what their failures print and return
session.py     the global options of every command
aws.py         the deployed stack that a command works on; the one module that sets this process's environment
output.py      records on stdout as text or JSON, notes and progress on stderr
explaining.py  what was decided for an execution, as records; pure
failures.py    an error of AWS as one line with its fix; pure
commands/      one module a command
"""

__version__ = "0.1.0"
