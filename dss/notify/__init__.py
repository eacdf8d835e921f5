"""Letters to people: written to the outbox with the fact they tell of, and sent by the worker."""
