"""What the control plane says of itself."""
