"""`python -m bridge`: the bridge as BRIDGE_* says."""

import asyncio
import sys

from pydantic import ValidationError

from bridge.server import serve
from bridge.settings import settings


def main() -> None:
    """Serve; a wrong setting ends the process with its name and what is expected."""
    try:
        chosen = settings()
    except ValidationError as error:
        problems = (
            f"  {'.'.join(map(str, problem['loc'])) or 'settings'}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        )
        sys.exit("\n".join(["bridge: wrong settings", *problems]))
    try:
        asyncio.run(serve(chosen))
    except RuntimeError as error:
        sys.exit(f"bridge: {error}")


if __name__ == "__main__":
    main()
