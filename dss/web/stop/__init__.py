"""The page behind the stop link of a letter: a person without an application stops a phone that is not theirs."""
