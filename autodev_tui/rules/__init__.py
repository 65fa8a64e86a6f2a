"""What can be done with no model at all: the words of an agent computed by rules, its calls like any other's."""
