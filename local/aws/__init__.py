"""AWS on this machine: MiniStack with its faults mended, a client for it, and the deployment of a SAM build into it."""
