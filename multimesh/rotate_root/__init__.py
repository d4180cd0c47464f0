"""The rollout from one root CA to another: what every proxy has, what is missing for the next step, and the steps."""
