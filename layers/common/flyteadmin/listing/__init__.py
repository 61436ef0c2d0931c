"""Lists: upstream's filters, sort keys and tokens, and which way into a table serves them; pure."""
