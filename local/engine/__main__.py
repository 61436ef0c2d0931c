"""`python -m local.engine`."""

from local.engine.run import main

if __name__ == "__main__":
    main()
