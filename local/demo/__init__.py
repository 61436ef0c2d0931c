"""`make demo`: one workflow from registration to its notification, on the embedded stack."""
