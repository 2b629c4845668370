"""The routing path beside other engines and floors, each measured in the same run, one after the other in turn."""
