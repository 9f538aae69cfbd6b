"""Fast forms: each stands for a plain form of the lowering, with the same values, where `Context.fast` says so."""
