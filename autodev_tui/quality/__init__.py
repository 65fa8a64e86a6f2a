"""The environment that checks run in, the evidence they give, and the gate that judges it."""
