"""The one door to people's keys: an Activation is verified here, and only then spent in the HSM."""
