"""What a change of a Function changes in its children, and which pods restart: `diff` and `upgrade-plan`."""
