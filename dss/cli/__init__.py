"""The operator's commands: a file a noun, a function a verb."""
