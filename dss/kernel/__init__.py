"""The ground under everything: values and rules from the standard library only, without I/O."""
