"""The audit log: events that commit with the fact they tell of."""
