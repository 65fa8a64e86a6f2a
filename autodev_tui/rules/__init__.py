"""What can be done with no model at all: an agent whose words are computed, its calls like any other's."""
