"""Generates runs of executions and checks that their events leave the same rows however they are delivered.

A run: `propeller_runs` makes a whole one with restarts and aborts, of nodes that `propeller_walk` walks through, with
details of task events from `task_event_details`. `run_coverage` counts which of `acceptance_rules` the runs reach.

A delivery: `delivery_plans` says who receives which messages, `queue_consumers` receives them, and `interleaving` lets
consumers take turns at their remote calls and injects faults into these.

The check: `model` delivers a run in order and by a plan, and compares what `stored_outcome` reads after each, on
`emulator_in_process` (fast) or on `emulator_server` (real HTTP).
"""
