"""Projects and domains: which exist, which are active, and what a request must name."""
