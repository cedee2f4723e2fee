"""The least that each kind of work can cost: what the service is held against, in the same run."""
