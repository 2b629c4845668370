"""The samples of the Thai message types, as code: what is valid in them, and which faults are planted."""
