"""The protocols: each translates between its wire forms and the services' verbs."""
